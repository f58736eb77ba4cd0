/* The character classes of HTTP. Each request passes through here byte by byte, so the common
 * classes are looked at eight bytes at a time. Owns nothing, calls nobody, can't fail. */
#include "net/chars.h"

/* clang-format off */
const uint8_t chars_token[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
	['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|',
	['~'] = '~',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
	['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
	['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
	['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
	['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
	['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
	['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
	['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};
/* clang-format on */

bool chars_is_token(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!chars_token[(uint8_t)text.data[i]])
			return false;
	}
	return text.len > 0;
}

/* ---- eight bytes at a time ---- */

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* High bits set where a byte of `word` is below `limit` or is 0x7f; `limit` <= 0x80. Exact as a yes
 * or no: a borrow can only come from a byte that is itself a hit. */
static uint64_t word_has_control(uint64_t word, uint8_t limit)
{
	uint64_t low = (word - ONES * limit) & ~word;
	uint64_t del = word ^ (ONES * 0x7f);

	return (low | ((del - ONES) & ~del)) & HIGHS;
}

static uint64_t word_load(const char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static bool is_value_byte(uint8_t c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

bool chars_is_field_value(struct str text)
{
	size_t i = 0;

	while (text.len - i >= 8) {
		/* A TAB is a hit too: then each of the eight is looked at. */
		if (word_has_control(word_load(text.data + i), ' ')) {
			for (size_t k = i; k < i + 8; k++) {
				if (!is_value_byte((uint8_t)text.data[k]))
					return false;
			}
		}
		i += 8;
	}
	for (; i < text.len; i++) {
		if (!is_value_byte((uint8_t)text.data[i]))
			return false;
	}
	return true;
}

bool chars_is_target(struct str text)
{
	size_t i = 0;

	for (; text.len - i >= 8; i += 8) {
		uint64_t word = word_load(text.data + i);
		if ((word & HIGHS) || word_has_control(word, '!'))
			return false;
	}
	for (; i < text.len; i++) {
		uint8_t c = (uint8_t)text.data[i];
		if (c <= ' ' || c >= 0x7f)
			return false;
	}
	return text.len > 0 && !memchr(text.data, '#', text.len);
}

/* ---- UTF-8 ---- */

/* Bytes that follow a lead byte, and the range of the first of them, which excludes overlong forms,
 * surrogates and what is above U+10FFFF (Unicode 15, table 3-7). */
static size_t utf8_tail(uint8_t lead, uint8_t *low_out, uint8_t *high_out)
{
	*low_out = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high_out = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

bool chars_is_clean_utf8(struct str text)
{
	const uint8_t *data = (const uint8_t *)text.data;

	for (size_t i = 0; i < text.len; i++) {
		if (data[i] < 0x80) {
			if (data[i] < ' ' || data[i] == 0x7f)
				return false;
			continue;
		}
		uint8_t low, high;
		size_t tail = utf8_tail(data[i], &low, &high);
		if (tail == 0 || text.len - i <= tail)
			return false;
		for (; tail > 0; tail--, low = 0x80, high = 0xbf) {
			i++;
			if (data[i] < low || data[i] > high)
				return false;
		}
	}
	return true;
}
