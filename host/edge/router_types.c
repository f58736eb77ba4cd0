/* The types that params may have, a row each. A type says what a segment looks like and changes
 * nothing about it: the plugin gets the text that was there. Asked by the router for each segment
 * that reaches a typed param. */
#include "edge/router_types.h"

#include <stddef.h>
#include <stdint.h>

#include "net/chars.h"

/* ---- what they take ---- */

static bool fits_uint(struct str text)
{
	uint64_t value;

	return str_to_u64(text, UINT64_MAX, &value);
}

static bool fits_int(struct str text)
{
	uint64_t value;

	if (text.len > 0 && text.data[0] == '-')
		return str_to_u64((struct str){text.data + 1, text.len - 1},
				  (uint64_t)INT64_MAX + 1, &value);
	return str_to_u64(text, INT64_MAX, &value);
}

static bool fits_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (chars_hex(text.data[i]) < 0)
			return false;
	}
	return text.len > 0;
}

/* RFC 9562, 4: digits in groups of 8, 4, 4, 4 and 12, in either case. */
static bool fits_uuid(struct str text)
{
	if (text.len != 36)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_hyphen ? text.data[i] != '-' : chars_hex(text.data[i]) < 0)
			return false;
	}
	return true;
}

static bool fits_alpha(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char lower = (char)(text.data[i] | 0x20);

		if (lower < 'a' || lower > 'z')
			return false;
	}
	return text.len > 0;
}

/* Words of lower-case letters and digits with one hyphen between two. */
static bool fits_slug(struct str text)
{
	char before = '-';

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool is_word = (c >= 'a' && c <= 'z') || chars_is_digit(c);

		if (!is_word && (c != '-' || before == '-'))
			return false;
		before = c;
	}
	return before != '-';
}

static bool fits_text(struct str text)
{
	return text.len > 0;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	bool (*fits)(struct str segment);
} types[PARAM_TYPES] = {
	[PARAM_UUID] = {"uuid", fits_uuid},    [PARAM_UINT] = {"uint", fits_uint},
	[PARAM_INT] = {"int", fits_int},       [PARAM_HEX] = {"hex", fits_hex},
	[PARAM_ALPHA] = {"alpha", fits_alpha}, [PARAM_SLUG] = {"slug", fits_slug},
	[PARAM_TEXT] = {"", fits_text},
};

const char *param_type_name(enum param_type type)
{
	return types[type].name;
}

enum param_type param_type_find(struct str name)
{
	for (int type = 0; type < PARAM_TEXT; type++) {
		if (str_eq(name, str_from(types[type].name)))
			return (enum param_type)type;
	}
	return PARAM_TYPES;
}

bool param_type_fits(enum param_type type, struct str segment)
{
	return types[type].fits(segment);
}
