/* The character classes of HTTP (RFC 9110, 5.6). Pure. */
#ifndef PLUGD_NET_CHARS_H
#define PLUGD_NET_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The lower case of a character that may be in a token, else 0. */
extern const uint8_t chars_token[256];

bool chars_is_token(struct str text); /* at least one character */

/* Printable, space, TAB, or a byte from 0x80 on; may be empty. */
bool chars_is_field_value(struct str text);

/* Printable ASCII without space and '#': what a request target is made of. */
bool chars_is_target(struct str text);

/* Well-formed UTF-8 without control characters (C0 and DEL). */
bool chars_is_clean_utf8(struct str text);

static inline bool chars_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static inline int chars_hex(char c)
{
	if (chars_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape ("%2F") at the front stands for, or -1. */
static inline int chars_escape(struct str text)
{
	int high = text.len > 2 && text.data[0] == '%' ? chars_hex(text.data[1]) : -1;
	int low = high >= 0 ? chars_hex(text.data[2]) : -1;

	return low >= 0 ? high << 4 | low : -1;
}

/* Writes the escape of a byte. Returns where it ends. */
static inline char *chars_put_escape(char *at, uint8_t c)
{
	static const char digits[] = "0123456789ABCDEF";

	*at++ = '%';
	*at++ = digits[c >> 4];
	*at++ = digits[c & 15];
	return at;
}

#endif
