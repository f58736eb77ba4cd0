/* Any bytes in what a client says about a file: a name stays below, a range within, and nothing
 * else is believed. The first byte chooses the reader. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "edge/media_types.h"
#include "edge/sibling_kind.h"
#include "edge/static_conditions.h"
#include "edge/static_path.h"
#include "edge/static_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str text)
{
	struct arena arena = {0};
	const char *name = static_path_name(&arena, text);

	if (name) {
		assert(name[0] != '/' && name[0] != '.');
		assert(!strstr(name, "/.") && !strstr(name, "//"));
	}
	struct str there = static_path_with_slash(&arena, text, (struct str){NULL, 0});
	assert(there.len >= 3 && memcmp(there.data, "./", 2) == 0);
	assert(!memchr(there.data + 2, ':', there.len - 2));
	assert(memchr(there.data + 2, '/', there.len - 2) == there.data + there.len - 1);
	media_type_of(text);
	static_path_is_page(text);
	arena_deinit(&arena);
}

static void check_range(struct str text, uint64_t size)
{
	struct byte_range range;

	if (range_read(text, size, &range) == RANGE_PART)
		assert(range.count > 0 && range.first < size && range.count <= size - range.first);
}

static void check_conditions(struct str text)
{
	static const struct str names[] = {{"if-match", 8},
					   {"if-none-match", 13},
					   {"if-modified-since", 17},
					   {"if-unmodified-since", 19},
					   {"if-range", 8}};
	struct validators validators = {STR_LITERAL("\"a\""), 784111777, 784111877};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct http_field field = {names[i], text};

		conditions_judge(&field, 1, &validators);
		conditions_allow_range(&field, 1, &validators);
	}
}

static void check_codings(struct str text)
{
	static const struct str names[] = {{"br", 2}, {"gzip", 4}, {"zstd", 4}};
	struct http_field field = {STR_LITERAL("accept-encoding"), text};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sibling_kind_is_accepted(sibling_kind_find(names[i]), &field, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data + 1, size - 1};

	if (size == 0)
		return 0;
	switch (data[0] % 5) {
	case 0:
		check_path(text);
		break;
	case 1:
		check_range(text, 1000);
		break;
	case 2:
		check_range(text, UINT64_MAX);
		break;
	case 3:
		check_conditions(text);
		break;
	default:
		check_codings(text);
	}
	return 0;
}
