/* The primitives of the hot codec: one protobuf field in, one field out. Only wire.c and
 * wire_http.c include it; each of their messages is then one switch over tags and one list of puts.
 *
 * Reading never leaves [at, end): every step compares with `end` first, and after a mistake `at` is
 * `end` and `why` says what was wrong, so that a loop over tags ends by itself. Everything is
 * forced inline, because the reader must live in registers: a call per field would cost more than
 * the field. What is rare (long varints, unknown fields) is a call, and passes by value for the
 * same reason.
 *
 * Stricter than the official parsers, so that nothing has two meanings: a known field with another
 * wire type, a group, field number 0, a varint above 64 bits, and pairs of one list that are not
 * adjacent (their bytes are passed on as one run; a foreign field between them would be passed on
 * with them). */
#ifndef PLUGD_PROTO_WIRE_FIELD_H
#define PLUGD_PROTO_WIRE_FIELD_H

#include <string.h>

#include "proto/wire.h"

#define WIRE_INLINE static inline __attribute__((always_inline))

/* Tags of the two wire types that our messages use. Fields up to 15 have tags of one byte. */
#define WIRE_VARINT_TAG(field) ((uint32_t)(field) << 3)
#define WIRE_BYTES_TAG(field)  ((uint32_t)(field) << 3 | 2)

#define WIRE_MAX_ONE_BYTE_FIELD 15

/* A varint takes at most this many bytes; a tag or a length at most five. */
#define WIRE_VARINT_MAX_BYTES 10
#define WIRE_SIZE_MAX_BYTES   5

/* ------------------------------------------------------------------------------------- reading */

struct wire_reader {
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *field; /* where the tag read last begins */
	const char *why;      /* constant sentence; NULL: no mistake so far */
};

/* Two registers: what was read, and where it ends (NULL: malformed). */
struct wire_varint {
	const uint8_t *next;
	uint64_t value;
};

/* A varint of two bytes and more, at most max_bytes. */
struct wire_varint wire_varint_read_long(const uint8_t *at, const uint8_t *end, size_t max_bytes);

/* Where the field with this tag ends, whose value begins at `at`; NULL with *why_out set if it is
 * malformed, or one of the fields of this message (bit N of `known` is field N), which then has the
 * wrong wire type. */
const uint8_t *wire_field_skip(const uint8_t *at, const uint8_t *end, uint32_t tag, uint32_t known,
			       const char **why_out);

/* Whether these bytes are a pair that wire_next_pair() can read. */
bool wire_pair_check(struct wire_bytes pair);

WIRE_INLINE struct wire_reader wire_reader_from(struct wire_bytes in)
{
	return (struct wire_reader){.at = in.data, .end = in.len ? in.data + in.len : in.data};
}

WIRE_INLINE void wire_reader_fail(struct wire_reader *reader, const char *why)
{
	reader->why = why;
	reader->at = reader->end;
}

WIRE_INLINE bool wire_reader_end(const struct wire_reader *reader, const char **why_out)
{
	*why_out = reader->why;
	return !reader->why;
}

WIRE_INLINE uint64_t wire_read_varint(struct wire_reader *reader, size_t max_bytes, const char *why)
{
	if (reader->at < reader->end && *reader->at < 0x80)
		return *reader->at++;
	struct wire_varint v = wire_varint_read_long(reader->at, reader->end, max_bytes);
	if (!v.next) {
		wire_reader_fail(reader, why);
		return 0;
	}
	reader->at = v.next;
	return v.value;
}

/* The next tag, or false at the end and after a mistake. */
WIRE_INLINE bool wire_read_tag(struct wire_reader *reader, uint32_t *tag_out)
{
	if (reader->at >= reader->end)
		return false;
	reader->field = reader->at;
	uint64_t tag = wire_read_varint(reader, WIRE_SIZE_MAX_BYTES, "a tag is malformed");
	if (tag > UINT32_MAX || tag >> 3 == 0)
		wire_reader_fail(reader, "a tag is malformed");
	*tag_out = (uint32_t)tag;
	return !reader->why;
}

WIRE_INLINE void wire_read_u64(struct wire_reader *reader, uint64_t *out)
{
	*out = wire_read_varint(reader, WIRE_VARINT_MAX_BYTES, "a number is malformed");
}

/* Numbers above 32 bits lose their upper bits, as in every protobuf implementation. */
WIRE_INLINE void wire_read_u32(struct wire_reader *reader, uint32_t *out)
{
	*out = (uint32_t)wire_read_varint(reader, WIRE_VARINT_MAX_BYTES, "a number is malformed");
}

WIRE_INLINE void wire_read_bool(struct wire_reader *reader, bool *out)
{
	*out = wire_read_varint(reader, WIRE_VARINT_MAX_BYTES, "a number is malformed") != 0;
}

WIRE_INLINE void wire_read_bytes(struct wire_reader *reader, struct wire_bytes *out)
{
	uint64_t len = wire_read_varint(reader, WIRE_SIZE_MAX_BYTES, "a length is malformed");
	if (len > (size_t)(reader->end - reader->at)) {
		wire_reader_fail(reader, "a length goes past the end");
		len = 0;
	}
	*out = (struct wire_bytes){reader->at, (size_t)len};
	reader->at += len;
}

/* One pair of a list: makes *run longer by the whole field, tag included. */
WIRE_INLINE void wire_read_pair(struct wire_reader *reader, struct wire_bytes *run)
{
	const uint8_t *field = reader->field;
	struct wire_bytes pair;
	wire_read_bytes(reader, &pair);
	if (reader->why)
		return;
	if (!wire_pair_check(pair)) {
		wire_reader_fail(reader, "a pair is malformed");
		return;
	}
	if (run->len == 0)
		run->data = field;
	else if (run->data + run->len != field)
		wire_reader_fail(reader, "the pairs of a list are not adjacent");
	run->len = (size_t)(reader->at - run->data);
}

WIRE_INLINE void wire_read_unknown(struct wire_reader *reader, uint32_t tag, uint32_t known)
{
	const char *why;
	const uint8_t *next = wire_field_skip(reader->at, reader->end, tag, known, &why);
	if (next)
		reader->at = next;
	else
		wire_reader_fail(reader, why);
}

/* ------------------------------------------------------------------------------------- writing */

/* Seven bits a byte: (bits + 6) / 7, without the division. */
WIRE_INLINE size_t wire_varint_bytes(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	return (bits * 9 + 64) / 64;
}

WIRE_INLINE uint8_t *wire_put_varint(uint8_t *out, uint64_t value)
{
	while (value >= 0x80) {
		*out++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8_t)value;
	return out;
}

/* Sizes and puts of one field; proto3 leaves out what is zero, false or empty. */
WIRE_INLINE size_t wire_number_bytes(uint64_t value)
{
	return value ? 1 + wire_varint_bytes(value) : 0;
}

WIRE_INLINE uint8_t *wire_put_number(uint8_t *out, unsigned field, uint64_t value)
{
	if (value == 0)
		return out;
	*out++ = (uint8_t)WIRE_VARINT_TAG(field);
	return wire_put_varint(out, value);
}

WIRE_INLINE size_t wire_bool_bytes(bool value)
{
	return value ? 2 : 0;
}

WIRE_INLINE uint8_t *wire_put_bool(uint8_t *out, unsigned field, bool value)
{
	if (!value)
		return out;
	*out++ = (uint8_t)WIRE_VARINT_TAG(field);
	*out++ = 1;
	return out;
}

WIRE_INLINE size_t wire_bytes_bytes(size_t len)
{
	return len ? 1 + wire_varint_bytes(len) + len : 0;
}

/* Tag and length; the `len` bytes are the caller's business. */
WIRE_INLINE uint8_t *wire_put_length(uint8_t *out, unsigned field, size_t len)
{
	if (len == 0)
		return out;
	*out++ = (uint8_t)WIRE_BYTES_TAG(field);
	return wire_put_varint(out, len);
}

/* Bytes as they are: a list of pairs that is encoded already. */
WIRE_INLINE uint8_t *wire_put_raw(uint8_t *out, struct wire_bytes bytes)
{
	if (bytes.len == 0)
		return out;
	memcpy(out, bytes.data, bytes.len);
	return out + bytes.len;
}

WIRE_INLINE uint8_t *wire_put_bytes(uint8_t *out, unsigned field, struct wire_bytes bytes)
{
	return wire_put_raw(wire_put_length(out, field, bytes.len), bytes);
}

#endif
