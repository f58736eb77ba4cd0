/* The search for secrets in what a plugin says.
 *
 * Owns the list of needles, whose bytes lie in locked memory and stay there. Lines of a key or of a
 * certificate are needles of their own, because a log sees them one by one; runs that are longer
 * than a log line come in pieces. Each position of a text is held against the needles that begin
 * with its byte. Called with every line and every LOG of a plugin that has secrets, and with each
 * text of it that ends up in an error. */
#include "plugin/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- needles ---- */

static void add_needle(struct redactor *redactor, const char *name, struct wire_bytes bytes)
{
	size_t count = redactor->count;
	int *head = &redactor->heads[bytes.data[0]];

	if ((count & (count - 1)) == 0) /* the room doubles */
		redactor->needles = mem_realloc(redactor->needles,
						(count ? 2 * count : 1) * sizeof(struct needle));
	redactor->needles[count] = (struct needle){bytes, name, *head - 1};
	redactor->count++;
	*head = (int)count + 1;
}

/* The last piece takes what would be too short alone. */
static void add_run(struct redactor *redactor, const char *name, struct wire_bytes run)
{
	while (run.len >= REDACT_LEAST_BYTES) {
		size_t len = run.len < REDACT_PIECE_BYTES + REDACT_LEAST_BYTES ? run.len
									       : REDACT_PIECE_BYTES;

		add_needle(redactor, name, (struct wire_bytes){run.data, len});
		run = (struct wire_bytes){run.data + len, run.len - len};
	}
}

static struct wire_bytes without_line_break(struct wire_bytes bytes)
{
	if (bytes.len > 0 && bytes.data[bytes.len - 1] == '\n')
		bytes.len--;
	if (bytes.len > 0 && bytes.data[bytes.len - 1] == '\r')
		bytes.len--;
	return bytes;
}

void redactor_add(struct redactor *redactor, const char *name, struct wire_bytes value)
{
	struct wire_bytes rest = without_line_break(value);
	const uint8_t *newline;

	if (rest.len > 0 && memchr(rest.data, '\n', rest.len))
		add_run(redactor, name, rest);
	while (rest.len > 0) {
		newline = memchr(rest.data, '\n', rest.len);
		size_t len = newline ? (size_t)(newline - rest.data) + 1 : rest.len;

		add_run(redactor, name, without_line_break((struct wire_bytes){rest.data, len}));
		rest = (struct wire_bytes){rest.data + len, rest.len - len};
	}
}

void redactor_deinit(struct redactor *redactor)
{
	free(redactor->needles);
	*redactor = (struct redactor){0};
}

/* ---- search ---- */

static size_t common_length(struct wire_bytes a, struct str b)
{
	size_t most = a.len < b.len ? a.len : b.len;
	size_t len = 0;

	while (len < most && a.data[len] == (uint8_t)b.data[len])
		len++;
	return len;
}

/* Where a text ends that was cut and quoted by somebody before us. */
static bool is_end(struct str rest)
{
	return rest.len == 0 || rest.data[0] == '"' || str_starts_with(rest, STR_LITERAL("…"));
}

/* Bytes at the front of the text that are a value, or the cut beginning of one; 0: none. */
static size_t match(const struct redactor *redactor, struct str text, bool may_be_cut,
		    const char **name_out)
{
	size_t longest = 0;

	for (int i = redactor->heads[(uint8_t)text.data[0]] - 1; i >= 0;
	     i = redactor->needles[i].next) {
		const struct needle *needle = &redactor->needles[i];
		size_t len = common_length(needle->bytes, text);
		bool cut = may_be_cut && len >= REDACT_LEAST_BYTES &&
			   is_end((struct str){text.data + len, text.len - len});

		if (len <= longest || (len < needle->bytes.len && !cut))
			continue;
		longest = len;
		*name_out = needle->name;
	}
	return longest;
}

struct str redact(const struct redactor *redactor, struct str text, bool may_be_cut,
		  struct buf *scratch)
{
	size_t copied = 0;
	size_t at = 0;

	if (!redactor)
		return text;
	buf_consume(scratch, buf_len(scratch));
	while (at < text.len) {
		const char *name;
		struct str rest = {text.data + at, text.len - at};
		size_t len = match(redactor, rest, may_be_cut, &name);

		if (len == 0) {
			at++;
			continue;
		}
		buf_append(scratch, text.data + copied, at - copied);
		buf_printf(scratch, "[secret %s]", name);
		at += len;
		copied = at;
	}
	if (copied == 0)
		return text;
	buf_append(scratch, text.data + copied, text.len - copied);
	return (struct str){(const char *)buf_front(scratch), buf_len(scratch)};
}

void redact_text(const struct redactor *redactor, char *text, size_t size)
{
	struct buf scratch = {0};
	struct str clean = redact(redactor, str_from(text), true, &scratch);

	if (clean.data != text) {
		explicit_bzero(text, size);
		str_copy(text, size, clean);
	}
	buf_deinit(&scratch);
}

void redact_err(const struct redactor *redactor, struct err *err)
{
	redact_text(redactor, err->text, sizeof(err->text));
}

/* ---- cuts ---- */

/* Whether a needle that begins here may reach over the end of the first `left` bytes. */
static bool may_cross(const struct redactor *redactor, struct str text, size_t left)
{
	for (int i = redactor->heads[(uint8_t)text.data[0]] - 1; i >= 0;
	     i = redactor->needles[i].next) {
		struct wire_bytes bytes = redactor->needles[i].bytes;
		size_t known = bytes.len < text.len ? bytes.len : text.len;

		if (bytes.len > left && memcmp(bytes.data, text.data, known) == 0)
			return true;
	}
	return false;
}

/* Value by value, as redact() goes through the same text. */
size_t redact_cut(const struct redactor *redactor, struct str text, size_t len)
{
	const char *name;

	for (size_t at = 0; redactor && at < len;) {
		struct str rest = {text.data + at, text.len - at};
		size_t found;

		if (at > 0 && may_cross(redactor, rest, len - at))
			return at;
		found = match(redactor, rest, false, &name);
		at += found > 0 ? found : 1;
	}
	return len;
}
