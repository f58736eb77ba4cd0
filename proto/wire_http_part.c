/* The beginning of a plugd.http.v1 response that travels in several chunks. The host passes a body
 * on as it comes, so it must find where the body begins before the message is whole. The body is
 * the last field; what stands before it is read by wire_http.c when it is complete. Same rules as
 * there: no allocation, no reading past the input. */
#include "proto/wire_field.h"
#include "proto/wire_http.h"

#define BODY_FIELD 15
#define LENGTH	   2 /* wire type */
#define VARINT	   0

/* Past one field, or NULL: it goes on after the end, or (*why_out) it is malformed. */
static const uint8_t *skip(const uint8_t *at, const uint8_t *end, uint64_t tag,
			   const char **why_out)
{
	struct wire_varint value;

	if (tag >> 3 == 0 || ((tag & 7) != VARINT && (tag & 7) != LENGTH)) {
		*why_out = "a field has a wrong type";
		return NULL;
	}
	value = wire_varint_read_long(at, end, WIRE_VARINT_MAX_BYTES);
	if (!value.next) {
		if (end - at >= WIRE_VARINT_MAX_BYTES)
			*why_out = "a number is malformed";
		return NULL;
	}
	if ((tag & 7) == VARINT)
		return value.next;
	return value.value <= (uint64_t)(end - value.next) ? value.next + value.value : NULL;
}

static enum wire_http_part take_body(struct wire_bytes head, const uint8_t *at, const uint8_t *end,
				     struct wire_http_response *out, uint64_t *body_left_out,
				     const char **why_out)
{
	struct wire_varint len = wire_varint_read_long(at, end, WIRE_SIZE_MAX_BYTES);
	uint64_t there;

	if (!len.next) {
		*why_out = "a length is malformed";
		return end - at >= WIRE_SIZE_MAX_BYTES ? WIRE_HTTP_PART_BAD
						       : WIRE_HTTP_PART_NEEDS_MORE;
	}
	if (!wire_get_http_response(head, out, why_out))
		return WIRE_HTTP_PART_BAD;
	there = (uint64_t)(end - len.next);
	there = there < len.value ? there : len.value;
	out->body = (struct wire_bytes){len.next, (size_t)there};
	*body_left_out = len.value - there;
	return WIRE_HTTP_PART_READY;
}

enum wire_http_part wire_get_http_response_part(struct wire_bytes in,
						struct wire_http_response *out,
						uint64_t *body_left_out, const char **why_out)
{
	const uint8_t *end = in.len ? in.data + in.len : in.data;
	const uint8_t *at = in.data;

	*why_out = NULL;
	while (at < end) {
		struct wire_varint tag = wire_varint_read_long(at, end, WIRE_SIZE_MAX_BYTES);
		const uint8_t *next;

		if (!tag.next && end - at >= WIRE_SIZE_MAX_BYTES)
			*why_out = "a tag is malformed";
		if (!tag.next)
			break;
		if (tag.value == WIRE_BYTES_TAG(BODY_FIELD))
			return take_body((struct wire_bytes){in.data, (size_t)(at - in.data)},
					 tag.next, end, out, body_left_out, why_out);
		next = skip(tag.next, end, tag.value, why_out);
		if (!next)
			break;
		at = next;
	}
	return *why_out ? WIRE_HTTP_PART_BAD : WIRE_HTTP_PART_NEEDS_MORE;
}
