/* The Range field.
 *
 * One run of bytes is served. Who asks for several gets the whole file, which a server may always
 * do (RFC 9110, 14.2): answers of many parts are what floods of overlapping ranges are made of, and
 * nobody who downloads needs them. Several of which only one lies within the file are one. What
 * can't be read, and more than RANGES_MAX, is passed over. Owns nothing; called by
 * static_files.c. */
#include "edge/static_range.h"

#include <stdbool.h>

#include "net/chars.h"
#include "net/list.h"

#define RANGES_MAX 32u

enum spec { SPEC_INVALID, SPEC_OUTSIDE, SPEC_INSIDE };

/* Digits off the front of *text; too large a number is as large as can be. False: there are none.
 */
static bool take_number(struct str *text, uint64_t *out)
{
	size_t len = 0;
	uint64_t number = 0;

	for (; len < text->len && chars_is_digit(text->data[len]); len++) {
		uint64_t digit = (uint64_t)(text->data[len] - '0');

		number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : number * 10 + digit;
	}
	*text = (struct str){text->data + len, text->len - len};
	*out = number;
	return len > 0;
}

static bool take_char(struct str *text, char c)
{
	if (text->len == 0 || text->data[0] != c)
		return false;
	*text = (struct str){text->data + 1, text->len - 1};
	return true;
}

/* "-500": the last bytes. */
static enum spec read_suffix(struct str spec, uint64_t size, struct byte_range *out)
{
	uint64_t count;

	if (!take_number(&spec, &count) || spec.len > 0)
		return SPEC_INVALID;
	if (count == 0 || size == 0)
		return SPEC_OUTSIDE;
	*out = (struct byte_range){.count = count < size ? count : size};
	out->first = size - out->count;
	return SPEC_INSIDE;
}

/* "0-499", "500-". */
static enum spec read_spec(struct str spec, uint64_t size, struct byte_range *out)
{
	uint64_t first;
	uint64_t last = UINT64_MAX;

	if (take_char(&spec, '-'))
		return read_suffix(spec, size, out);
	if (!take_number(&spec, &first) || !take_char(&spec, '-'))
		return SPEC_INVALID;
	if (spec.len > 0 && (!take_number(&spec, &last) || spec.len > 0 || last < first))
		return SPEC_INVALID;
	if (first >= size)
		return SPEC_OUTSIDE;
	if (last >= size)
		last = size - 1;
	*out = (struct byte_range){first, last - first + 1};
	return SPEC_INSIDE;
}

enum range_verdict range_read(struct str value, uint64_t size, struct byte_range *out)
{
	struct str unit = STR_LITERAL("bytes=");
	unsigned inside = 0;
	unsigned outside = 0;
	struct str item;

	if (value.len < unit.len || !str_eq_nocase((struct str){value.data, unit.len}, unit))
		return RANGE_WHOLE;
	value = (struct str){value.data + unit.len, value.len - unit.len};
	while (list_next(&value, &item)) {
		enum spec spec = read_spec(item, size, out);

		if (spec == SPEC_INVALID || inside + outside >= RANGES_MAX)
			return RANGE_WHOLE;
		inside += spec == SPEC_INSIDE;
		outside += spec == SPEC_OUTSIDE;
		if (inside > 1)
			return RANGE_WHOLE;
	}
	if (inside == 1)
		return RANGE_PART;
	return outside > 0 ? RANGE_UNSATISFIABLE : RANGE_WHOLE;
}
