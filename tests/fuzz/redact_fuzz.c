/* Any secrets and any text: what is left of the text is what a simple-minded search leaves, no
 * value stands in it any more, and however it is cut into lines comes out the same.
 *
 * Input: up to three secrets, each with its length in two bytes before it (0: no more of them); two
 * bytes, how far a line goes beyond the least, and how much is known behind it; the text, which
 * follows a filler that is as long as a line. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SECRETS 3
#define MAX_RUNS    4096
#define LEAST_LINE  (REDACT_PIECE_BYTES + REDACT_LEAST_BYTES)

/* Stands in no text here, so that it is known for what it is. */
#define MARK "[secret \001]"

struct world {
	struct redactor redactor;
	struct wire_bytes runs[MAX_RUNS]; /* found without the redactor's help */
	size_t count;
};

static void add_run(struct world *world, const uint8_t *data, size_t len)
{
	while (len >= REDACT_LEAST_BYTES && world->count < MAX_RUNS) {
		size_t piece = len < LEAST_LINE ? len : REDACT_PIECE_BYTES;

		world->runs[world->count++] = (struct wire_bytes){data, piece};
		data += piece;
		len -= piece;
	}
}

static size_t without_break(const uint8_t *data, size_t len)
{
	if (len > 0 && data[len - 1] == '\n')
		len--;
	return len > 0 && data[len - 1] == '\r' ? len - 1 : len;
}

static void add_secret(struct world *world, const uint8_t *data, size_t len)
{
	size_t whole = without_break(data, len);

	redactor_add(&world->redactor, "\001", (struct wire_bytes){data, len});
	add_run(world, data, whole);
	for (size_t from = 0, at = 0; at < whole; at++) {
		if (data[at] == '\n' || at + 1 == whole) {
			add_run(world, data + from, without_break(data + from, at + 1 - from));
			from = at + 1;
		}
	}
}

static size_t longest_at(const struct world *world, const uint8_t *data, size_t len)
{
	size_t longest = 0;

	for (size_t i = 0; i < world->count; i++) {
		struct wire_bytes run = world->runs[i];

		if (run.len > longest && run.len <= len && memcmp(run.data, data, run.len) == 0)
			longest = run.len;
	}
	return longest;
}

static void expect(const struct world *world, const uint8_t *data, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len;) {
		size_t found = longest_at(world, data + at, len - at);

		if (found > 0)
			buf_append(out, MARK, sizeof(MARK) - 1);
		else
			buf_append(out, data + at, 1);
		at += found > 0 ? found : 1;
	}
}

/* Between two marks. */
static void check_clean(const struct world *world, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		size_t rest = len - at;
		const uint8_t *mark = memmem(data + at, rest, MARK, sizeof(MARK) - 1);

		if (mark == data + at)
			at += sizeof(MARK) - 2;
		else
			assert(longest_at(world, data + at,
					  mark ? (size_t)(mark - data) - at : rest) == 0);
	}
}

static void check_whole(const struct world *world, struct str text, const struct buf *expected)
{
	struct buf scratch = {0};
	struct str clean = redact(&world->redactor, text, false, &scratch);
	bool has_any = buf_len(expected) != text.len ||
		       memcmp(buf_front(expected), text.data, text.len) != 0;

	assert(has_any || clean.data == text.data);
	assert(clean.len == buf_len(expected));
	assert(memcmp(clean.data, buf_front(expected), clean.len) == 0);
	check_clean(world, (const uint8_t *)clean.data, clean.len);
	buf_deinit(&scratch);
}

/* As standard error is logged: a line ends at its most bytes, with so many known behind it. */
static void check_lines(const struct world *world, struct str text, size_t line, size_t beyond,
			const struct buf *expected)
{
	struct buf joined = {0};
	struct buf scratch = {0};

	while (text.len > 0) {
		size_t known = text.len < line + beyond ? text.len : line + beyond;
		size_t len = text.len;
		struct str clean;

		if (len >= line)
			len = redact_cut(&world->redactor, (struct str){text.data, known}, line);
		assert(len > 0 && (len == text.len || len <= line));
		clean = redact(&world->redactor, (struct str){text.data, len}, false, &scratch);
		buf_append(&joined, clean.data, clean.len);
		text = (struct str){text.data + len, text.len - len};
	}
	assert(buf_len(&joined) == buf_len(expected));
	assert(memcmp(buf_front(&joined), buf_front(expected), buf_len(&joined)) == 0);
	buf_deinit(&joined);
	buf_deinit(&scratch);
}

/* No byte of the mark's own. Returns owned. */
static uint8_t *copy_without_mark(const uint8_t *data, size_t size)
{
	uint8_t *copy = mem_alloc(size + 1);

	for (size_t i = 0; i < size; i++)
		copy[i] = data[i] == '\001' ? '\002' : data[i];
	return copy;
}

static size_t take_number(const uint8_t **data, size_t *size)
{
	size_t number = *size < 2 ? 0 : (size_t)(*data)[0] << 8 | (*data)[1];
	size_t used = *size < 2 ? *size : 2;

	*data += used;
	*size -= used;
	return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = copy_without_mark(data, size);
	const uint8_t *rest = copy;
	struct world *world = mem_new(struct world);
	struct buf text = {0};
	struct buf expected = {0};

	for (int i = 0; i < MAX_SECRETS; i++) {
		size_t len = take_number(&rest, &size) % 4096;

		len = len < size ? len : size;
		add_secret(world, rest, len);
		rest += len;
		size -= len;
		if (len == 0)
			break;
	}
	size_t line = LEAST_LINE + take_number(&rest, &size) % 512;
	size_t beyond = take_number(&rest, &size) % 512;

	for (size_t i = 0; i < line - size % 256; i++)
		buf_append(&text, ".", 1);
	if (size > 0)
		buf_append(&text, rest, size);
	expect(world, buf_front(&text), buf_len(&text), &expected);
	struct str whole = {(const char *)buf_front(&text), buf_len(&text)};

	check_whole(world, whole, &expected);
	check_lines(world, whole, line, beyond, &expected);
	redactor_deinit(&world->redactor);
	buf_deinit(&text);
	buf_deinit(&expected);
	free(world);
	free(copy);
	return 0;
}
