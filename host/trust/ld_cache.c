/* A header of 48 bytes (magic, number of rows), rows of 24 (flags, offset of the name, offset of
 * the path, …), and texts that the offsets point to, all in the machine's own byte order. Whichever
 * row the loader prefers, by processor or by kind of library, is its affair: every row with the
 * name is told. */
#include "trust/ld_cache.h"

#include <stdint.h>
#include <string.h>

#define HEADER_BYTES 48
#define ROW_BYTES    24

static uint32_t number_at(struct str bytes, size_t offset)
{
	uint32_t number;

	memcpy(&number, bytes.data + offset, sizeof(number));
	return number;
}

/* Empty when it isn't inside, or doesn't end. */
static struct str text_at(struct str bytes, size_t offset)
{
	const char *end;

	if (offset >= bytes.len)
		return (struct str){NULL, 0};
	end = memchr(bytes.data + offset, '\0', bytes.len - offset);
	return (struct str){bytes.data + offset, end ? (size_t)(end - bytes.data) - offset : 0};
}

struct str ld_cache_next(struct str bytes, struct str library, size_t *at)
{
	size_t rows;

	if (bytes.len < HEADER_BYTES ||
	    !str_starts_with(bytes, STR_LITERAL("glibc-ld.so.cache1.1")))
		return (struct str){NULL, 0};
	rows = (bytes.len - HEADER_BYTES) / ROW_BYTES;
	if (number_at(bytes, 20) < rows)
		rows = number_at(bytes, 20);
	while (*at < rows) {
		size_t row = HEADER_BYTES + (*at)++ * ROW_BYTES;

		if (str_eq(text_at(bytes, number_at(bytes, row + 4)), library))
			return text_at(bytes, number_at(bytes, row + 8));
	}
	return (struct str){NULL, 0};
}
