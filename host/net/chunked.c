/* The chunked transfer coding.
 *
 * Stricter than many: a size is bare hexadecimal digits, every line ends with CR LF, extensions and
 * trailers hold only what the grammar allows and are bounded. Each leniency here was once
 * somebody's request smuggling.
 *
 *	SIZE_FIRST ─▶ SIZE ─▶ [EXTENSION…] ─▶ SIZE_LF ─▶ DATA ─▶ DATA_CR ─▶ DATA_LF ─▶ SIZE_FIRST
 *	                                         └ size 0 ─▶ TRAILER_FIRST
 *	TRAILER_FIRST ─▶ NAME ─▶ VALUE ─▶ LF ─▶ TRAILER_FIRST
 *	     └──▶ END_LF ─▶ END
 *
 * http1.c calls it. It keeps nothing but counters, so a body may be cut anywhere. */
#include "net/chunked.h"

#include <stdbool.h>

#include "net/chars.h"

/* 15 digits hold a petabyte; more could only be meant to overflow somebody's integer. */
#define SIZE_DIGITS 15u

static bool is_value_byte(uint8_t c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

static enum fault take_size(struct chunked *chunked, uint8_t c)
{
	int digit = chars_hex((char)c);

	if (digit >= 0) {
		if (++chunked->digits > SIZE_DIGITS)
			return FAULT_CHUNK_SIZE;
		chunked->left = chunked->left << 4 | (unsigned)digit;
		chunked->state = CHUNKED_SIZE;
		return FAULT_NONE;
	}
	if (chunked->digits == 0)
		return FAULT_CHUNK_SIZE;
	if (c == '\r')
		chunked->state = CHUNKED_SIZE_LF;
	else if (c == ';')
		chunked->state = CHUNKED_EXTENSION;
	else
		return FAULT_CHUNK_SIZE;
	return FAULT_NONE;
}

/* Names, values and separators; white space only inside quotes. */
static enum fault take_extension(struct chunked *chunked, uint8_t c)
{
	if (++chunked->extension > CHUNKED_EXTENSION_BYTES ||
	    ++chunked->extensions > CHUNKED_EXTENSIONS_BYTES)
		return FAULT_CHUNK_EXTENSION;

	if (chunked->state == CHUNKED_EXTENSION_ESCAPED) {
		chunked->state = CHUNKED_EXTENSION_QUOTED;
		return is_value_byte(c) ? FAULT_NONE : FAULT_CHUNK_EXTENSION;
	}
	if (chunked->state == CHUNKED_EXTENSION_QUOTED) {
		if (c == '"')
			chunked->state = CHUNKED_EXTENSION;
		else if (c == '\\')
			chunked->state = CHUNKED_EXTENSION_ESCAPED;
		return is_value_byte(c) ? FAULT_NONE : FAULT_CHUNK_EXTENSION;
	}
	if (c == '\r')
		chunked->state = CHUNKED_SIZE_LF;
	else if (c == '"')
		chunked->state = CHUNKED_EXTENSION_QUOTED;
	else if (!chars_token[c] && c != ';' && c != '=')
		return FAULT_CHUNK_EXTENSION;
	return FAULT_NONE;
}

static enum fault take_size_lf(struct chunked *chunked, uint8_t c)
{
	if (c != '\n')
		return FAULT_CHUNK_SIZE;
	chunked->state = chunked->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER_FIRST;
	chunked->digits = 0;
	chunked->extension = 0;
	return FAULT_NONE;
}

static enum fault take_data_end(struct chunked *chunked, uint8_t c)
{
	bool at_cr = chunked->state == CHUNKED_DATA_CR;

	if (c != (at_cr ? '\r' : '\n'))
		return FAULT_CHUNK_END;
	chunked->state = at_cr ? CHUNKED_DATA_LF : CHUNKED_SIZE_FIRST;
	return FAULT_NONE;
}

static enum fault take_trailer(struct chunked *chunked, uint8_t c)
{
	if (++chunked->trailer > CHUNKED_TRAILER_BYTES)
		return FAULT_TRAILER;

	if (chunked->state == CHUNKED_TRAILER_VALUE) {
		if (c == '\r')
			chunked->state = CHUNKED_TRAILER_LF;
		return c == '\r' || is_value_byte(c) ? FAULT_NONE : FAULT_TRAILER;
	}
	if (chunked->state == CHUNKED_TRAILER_FIRST && c == '\r') {
		chunked->state = CHUNKED_END_LF;
		return FAULT_NONE;
	}
	if (chunked->state == CHUNKED_TRAILER_NAME && c == ':') {
		chunked->state = CHUNKED_TRAILER_VALUE;
		return FAULT_NONE;
	}
	chunked->state = CHUNKED_TRAILER_NAME;
	return chars_token[c] ? FAULT_NONE : FAULT_TRAILER;
}

static enum fault take_trailer_lf(struct chunked *chunked, uint8_t c)
{
	chunked->state = chunked->state == CHUNKED_END_LF ? CHUNKED_END : CHUNKED_TRAILER_FIRST;
	return c == '\n' ? FAULT_NONE : FAULT_TRAILER;
}

static enum fault chunked_take(struct chunked *chunked, uint8_t c)
{
	switch (chunked->state) {
	case CHUNKED_SIZE_FIRST:
	case CHUNKED_SIZE:
		return take_size(chunked, c);
	case CHUNKED_EXTENSION:
	case CHUNKED_EXTENSION_QUOTED:
	case CHUNKED_EXTENSION_ESCAPED:
		return take_extension(chunked, c);
	case CHUNKED_SIZE_LF:
		return take_size_lf(chunked, c);
	case CHUNKED_DATA_CR:
	case CHUNKED_DATA_LF:
		return take_data_end(chunked, c);
	case CHUNKED_TRAILER_FIRST:
	case CHUNKED_TRAILER_NAME:
	case CHUNKED_TRAILER_VALUE:
		return take_trailer(chunked, c);
	case CHUNKED_TRAILER_LF:
	case CHUNKED_END_LF:
		return take_trailer_lf(chunked, c);
	case CHUNKED_DATA:
	case CHUNKED_END:
		break;
	}
	return FAULT_NONE; /* not reached: chunked_next() handles these two */
}

static struct chunked_step take_data(struct chunked *chunked, const uint8_t *data, size_t used,
				     size_t len)
{
	struct chunked_step step = {.data = data + used, .len = len - used};

	if (step.len > chunked->left)
		step.len = (size_t)chunked->left;
	chunked->left -= step.len;
	if (chunked->left == 0)
		chunked->state = CHUNKED_DATA_CR;
	step.used = used + step.len;
	return step;
}

struct chunked_step chunked_next(struct chunked *chunked, const uint8_t *data, size_t len)
{
	size_t used = 0;

	while (used < len && chunked->state != CHUNKED_END) {
		if (chunked->state == CHUNKED_DATA)
			return take_data(chunked, data, used, len);
		enum fault fault = chunked_take(chunked, data[used++]);
		if (fault)
			return (struct chunked_step){.used = used, .fault = fault};
	}
	return (struct chunked_step){.used = used};
}
