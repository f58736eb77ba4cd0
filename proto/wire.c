/* The hot codec: how a frame is told apart, the five messages of a call, and STATE. wire_field.h
 * has the primitives and says where it is stricter than other protobuf parsers.
 *
 * Owns nothing; called by host/plugin and by the SDK for each frame. Never allocates, never reads
 * past the input, never trusts a length. It fails by returning false with a constant sentence,
 * which the caller turns into a violation. */
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#include "proto/wire_caller.h"
#include "proto/wire_field.h"

/* Fields of each message, one bit each, for wire_field_skip(). */
#define FIELD(n)	(1u << (n))
#define DATA_FIELDS	(FIELD(1) | FIELD(11) | FIELD(12) | FIELD(15))
#define REQUEST_FIELDS	0xbffeu
#define RESPONSE_FIELDS (DATA_FIELDS | 0xfeu)
#define CANCEL_FIELDS	0xeu
#define CREDIT_FIELDS	0x6u
#define STATE_FIELDS	FIELD(15)
#define PAIR_FIELDS	0x6u
#define FRAME_FIELDS	((1u << WIRE_KIND_END) - 2)

/* ---------------------------------------------------------------------------------- primitives */

struct wire_varint wire_varint_read_long(const uint8_t *at, const uint8_t *end, size_t max_bytes)
{
	uint64_t value = 0;
	if ((size_t)(end - at) < max_bytes)
		max_bytes = (size_t)(end - at);
	for (size_t i = 0; i < max_bytes; i++) {
		/* The tenth byte has room for one bit. */
		if (i == WIRE_VARINT_MAX_BYTES - 1 && at[i] > 1)
			break;
		value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
		if (at[i] < 0x80)
			return (struct wire_varint){at + i + 1, value};
	}
	return (struct wire_varint){NULL, 0};
}

const uint8_t *wire_field_skip(const uint8_t *at, const uint8_t *end, uint32_t tag, uint32_t known,
			       const char **why_out)
{
	uint32_t field = tag >> 3;
	struct wire_varint len = {at, 0};
	*why_out = "an unknown field is malformed";
	if (field < 32 && known & FIELD(field)) {
		*why_out = "a field has the wrong wire type";
		return NULL;
	}
	switch (tag & 7) {
	case 0:
		return wire_varint_read_long(at, end, WIRE_VARINT_MAX_BYTES).next;
	case 1:
		len.value = 8;
		break;
	case 2:
		len = wire_varint_read_long(at, end, WIRE_SIZE_MAX_BYTES);
		break;
	case 5:
		len.value = 4;
		break;
	default:
		*why_out = "a field has a wire type that is not used here";
		return NULL;
	}
	if (!len.next || len.value > (size_t)(end - len.next))
		return NULL;
	return len.next + len.value;
}

uint32_t wire_get_prefix(const uint8_t *in)
{
	uint32_t big_endian;
	memcpy(&big_endian, in, sizeof(big_endian));
	return __builtin_bswap32(big_endian);
}

static void put_prefix(uint8_t *out, uint32_t frame_bytes)
{
	uint32_t big_endian = __builtin_bswap32(frame_bytes);
	memcpy(out, &big_endian, sizeof(big_endian));
}

/* --------------------------------------------------------------------------------------- frame */

/* Everything that is not one known kind with a short tag and nothing else. */
static enum wire_kind frame_kind_any(struct wire_bytes frame, struct wire_bytes *body_out,
				     const char **why_out)
{
	struct wire_reader reader = wire_reader_from(frame);
	enum wire_kind kind = WIRE_NONE;
	uint32_t tag;
	if (frame.len == 0)
		wire_reader_fail(&reader, "the frame is empty");
	while (wire_read_tag(&reader, &tag)) {
		if ((tag & 7) != 2 || tag >> 3 >= WIRE_KIND_END) {
			wire_read_unknown(&reader, tag, FRAME_FIELDS);
			continue;
		}
		wire_read_bytes(&reader, body_out);
		if (kind != WIRE_NONE && !reader.why)
			wire_reader_fail(&reader, "the frame holds more than one message");
		kind = (enum wire_kind)(tag >> 3);
	}
	return wire_reader_end(&reader, why_out) ? kind : WIRE_NONE;
}

enum wire_kind wire_frame_kind(struct wire_bytes frame, struct wire_bytes *body_out,
			       const char **why_out)
{
	struct wire_reader reader = wire_reader_from(frame);
	uint32_t tag = 0;
	*body_out = (struct wire_bytes){0};
	if (wire_read_tag(&reader, &tag) && (tag & 7) == 2 && tag >> 3 < WIRE_KIND_END) {
		struct wire_bytes body;
		wire_read_bytes(&reader, &body);
		if (!reader.why && reader.at == reader.end) {
			*body_out = body;
			*why_out = NULL;
			return (enum wire_kind)(tag >> 3);
		}
	}
	return frame_kind_any(frame, body_out, why_out);
}

static size_t frame_head_bytes(enum wire_kind kind, size_t body_len)
{
	return WIRE_PREFIX_BYTES + wire_varint_bytes(WIRE_BYTES_TAG(kind)) +
	       wire_varint_bytes(body_len);
}

WIRE_INLINE uint8_t *put_frame_head(uint8_t *out, enum wire_kind kind, size_t body_len)
{
	size_t frame_bytes = frame_head_bytes(kind, body_len) - WIRE_PREFIX_BYTES + body_len;
	assert(frame_bytes <= UINT32_MAX);
	put_prefix(out, (uint32_t)frame_bytes);
	out = wire_put_varint(out + WIRE_PREFIX_BYTES, WIRE_BYTES_TAG(kind));
	return wire_put_varint(out, body_len);
}

size_t wire_put_frame_head(uint8_t *out, enum wire_kind kind, size_t body_len)
{
	return (size_t)(put_frame_head(out, kind, body_len) - out);
}

/* --------------------------------------------------------------------------------------- pairs */

WIRE_INLINE bool pair_read(struct wire_bytes pair, struct wire_bytes *name_out,
			   struct wire_bytes *value_out)
{
	struct wire_reader reader = wire_reader_from(pair);
	uint32_t tag;
	*name_out = *value_out = (struct wire_bytes){0};
	while (wire_read_tag(&reader, &tag)) {
		if (tag == WIRE_BYTES_TAG(1))
			wire_read_bytes(&reader, name_out);
		else if (tag == WIRE_BYTES_TAG(2))
			wire_read_bytes(&reader, value_out);
		else
			wire_read_unknown(&reader, tag, PAIR_FIELDS);
	}
	return !reader.why;
}

bool wire_pair_check(struct wire_bytes pair)
{
	struct wire_bytes name, value;
	return pair_read(pair, &name, &value);
}

size_t wire_pair_bytes(size_t name_len, size_t value_len)
{
	size_t body_len = wire_bytes_bytes(name_len) + wire_bytes_bytes(value_len);
	return 1 + wire_varint_bytes(body_len) + body_len;
}

size_t wire_put_pair(uint8_t *out, unsigned field, struct wire_bytes name, struct wire_bytes value)
{
	uint8_t *at = out;
	assert(field >= 1 && field <= WIRE_MAX_ONE_BYTE_FIELD);
	*at++ = (uint8_t)WIRE_BYTES_TAG(field);
	at = wire_put_varint(at, wire_bytes_bytes(name.len) + wire_bytes_bytes(value.len));
	at = wire_put_bytes(at, 1, name);
	at = wire_put_bytes(at, 2, value);
	return (size_t)(at - out);
}

bool wire_next_pair(struct wire_bytes *pairs, unsigned field, struct wire_bytes *name_out,
		    struct wire_bytes *value_out)
{
	struct wire_reader reader = wire_reader_from(*pairs);
	struct wire_bytes pair = {0};
	uint32_t tag;
	bool found = false;
	while (!found && wire_read_tag(&reader, &tag)) {
		found = tag == WIRE_BYTES_TAG(field);
		if (found)
			wire_read_bytes(&reader, &pair);
		else
			wire_read_unknown(&reader, tag, 0);
	}
	*pairs = (struct wire_bytes){reader.at, (size_t)(reader.end - reader.at)};
	return found && !reader.why && pair_read(pair, name_out, value_out);
}

/* ------------------------------------------------------------------------------------- request */

/* Rare, and so a call; what it holds is checked here, once, for all who read it. Twice would be
 * merged by others: refused, so that nothing has two meanings. */
static void wire_read_caller(struct wire_reader *reader, struct wire_bytes *out)
{
	struct wire_caller caller;
	const char *why;

	if (out->len > 0) {
		wire_reader_fail(reader, "there are two callers");
		return;
	}
	wire_read_bytes(reader, out);
	if (!reader->why && !wire_get_caller(*out, &caller, &why))
		wire_reader_fail(reader, why);
}

bool wire_get_request(struct wire_bytes body, struct wire_request *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*out = (struct wire_request){0};
	while (wire_read_tag(&reader, &tag)) {
		switch (tag) {
		case WIRE_VARINT_TAG(1):
			wire_read_u32(&reader, &out->id);
			break;
		case WIRE_VARINT_TAG(2):
			wire_read_u32(&reader, &out->method);
			break;
		case WIRE_VARINT_TAG(3):
			wire_read_u32(&reader, &out->timeout_ms);
			break;
		case WIRE_VARINT_TAG(4):
			wire_read_u32(&reader, &out->attempt);
			break;
		case WIRE_BYTES_TAG(5):
			wire_read_bytes(&reader, &out->idempotency_key);
			break;
		case WIRE_BYTES_TAG(6):
			wire_read_bytes(&reader, &out->trace_parent);
			break;
		case WIRE_BYTES_TAG(7):
			wire_read_bytes(&reader, &out->trace_state);
			break;
		case WIRE_BYTES_TAG(8):
			wire_read_bytes(&reader, &out->tenant);
			break;
		case WIRE_BYTES_TAG(9):
			wire_read_bytes(&reader, &out->principal);
			break;
		case WIRE_BYTES_TAG(WIRE_REQUEST_METADATA_FIELD):
			wire_read_pair(&reader, &out->metadata);
			break;
		case WIRE_VARINT_TAG(11):
			wire_read_bool(&reader, &out->more);
			break;
		case WIRE_VARINT_TAG(12):
			wire_read_bool(&reader, &out->end);
			break;
		case WIRE_BYTES_TAG(13):
			wire_read_caller(&reader, &out->caller);
			break;
		case WIRE_BYTES_TAG(15):
			wire_read_bytes(&reader, &out->payload);
			break;
		default:
			wire_read_unknown(&reader, tag, REQUEST_FIELDS);
		}
	}
	return wire_reader_end(&reader, why_out);
}

/* The most that fields can take, tag included, beside their bytes. */
#define NUMBER_BOUND (1 + WIRE_SIZE_MAX_BYTES)
#define LENGTH_BOUND (1 + WIRE_SIZE_MAX_BYTES)
#define BOOL_BOUND   2

static size_t request_bytes(const struct wire_request *request)
{
	return wire_number_bytes(request->id) + wire_number_bytes(request->method) +
	       wire_number_bytes(request->timeout_ms) + wire_number_bytes(request->attempt) +
	       wire_bytes_bytes(request->idempotency_key.len) +
	       wire_bytes_bytes(request->trace_parent.len) +
	       wire_bytes_bytes(request->trace_state.len) + wire_bytes_bytes(request->tenant.len) +
	       wire_bytes_bytes(request->principal.len) + request->metadata.len +
	       wire_bytes_bytes(request->caller.len) + wire_bool_bytes(request->more) +
	       wire_bool_bytes(request->end) + wire_bytes_bytes(request->payload.len);
}

size_t wire_request_head_bound(const struct wire_request *request)
{
	return WIRE_FRAME_HEAD_BOUND + 4 * NUMBER_BOUND + 7 * LENGTH_BOUND + 2 * BOOL_BOUND +
	       request->idempotency_key.len + request->trace_parent.len + request->trace_state.len +
	       request->tenant.len + request->principal.len + request->metadata.len +
	       request->caller.len;
}

size_t wire_put_request_head(uint8_t *out, const struct wire_request *request)
{
	uint8_t *at = put_frame_head(out, WIRE_REQUEST, request_bytes(request));
	at = wire_put_number(at, 1, request->id);
	at = wire_put_number(at, 2, request->method);
	at = wire_put_number(at, 3, request->timeout_ms);
	at = wire_put_number(at, 4, request->attempt);
	at = wire_put_bytes(at, 5, request->idempotency_key);
	at = wire_put_bytes(at, 6, request->trace_parent);
	at = wire_put_bytes(at, 7, request->trace_state);
	at = wire_put_bytes(at, 8, request->tenant);
	at = wire_put_bytes(at, 9, request->principal);
	at = wire_put_raw(at, request->metadata);
	at = wire_put_bool(at, 11, request->more);
	at = wire_put_bool(at, 12, request->end);
	at = wire_put_bytes(at, 13, request->caller);
	at = wire_put_length(at, 15, request->payload.len);
	return (size_t)(at - out);
}

/* ------------------------------------------------------------------------------------ response */

bool wire_get_response(struct wire_bytes body, struct wire_response *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*out = (struct wire_response){0};
	while (wire_read_tag(&reader, &tag)) {
		switch (tag) {
		case WIRE_VARINT_TAG(1):
			wire_read_u32(&reader, &out->id);
			break;
		case WIRE_VARINT_TAG(2):
			wire_read_u32(&reader, &out->code);
			break;
		case WIRE_BYTES_TAG(3):
			wire_read_bytes(&reader, &out->message);
			break;
		case WIRE_BYTES_TAG(4):
			wire_read_bytes(&reader, &out->details);
			break;
		case WIRE_BYTES_TAG(WIRE_RESPONSE_METADATA_FIELD):
			wire_read_pair(&reader, &out->metadata);
			break;
		case WIRE_VARINT_TAG(6):
			wire_read_u32(&reader, &out->retry_after_ms);
			break;
		case WIRE_VARINT_TAG(7):
			wire_read_bool(&reader, &out->not_processed);
			break;
		case WIRE_VARINT_TAG(11):
			wire_read_bool(&reader, &out->more);
			break;
		case WIRE_VARINT_TAG(12):
			wire_read_bool(&reader, &out->end);
			break;
		case WIRE_BYTES_TAG(15):
			wire_read_bytes(&reader, &out->payload);
			break;
		default:
			wire_read_unknown(&reader, tag, RESPONSE_FIELDS);
		}
	}
	return wire_reader_end(&reader, why_out);
}

static size_t response_bytes(const struct wire_response *response)
{
	return wire_number_bytes(response->id) + wire_number_bytes(response->code) +
	       wire_bytes_bytes(response->message.len) + wire_bytes_bytes(response->details.len) +
	       response->metadata.len + wire_number_bytes(response->retry_after_ms) +
	       wire_bool_bytes(response->not_processed) + wire_bool_bytes(response->more) +
	       wire_bool_bytes(response->end) + wire_bytes_bytes(response->payload.len);
}

size_t wire_response_head_bound(const struct wire_response *response)
{
	return WIRE_FRAME_HEAD_BOUND + 3 * NUMBER_BOUND + 3 * LENGTH_BOUND + 3 * BOOL_BOUND +
	       response->message.len + response->details.len + response->metadata.len;
}

size_t wire_put_response_head(uint8_t *out, const struct wire_response *response)
{
	uint8_t *at = put_frame_head(out, WIRE_RESPONSE, response_bytes(response));
	at = wire_put_number(at, 1, response->id);
	at = wire_put_number(at, 2, response->code);
	at = wire_put_bytes(at, 3, response->message);
	at = wire_put_bytes(at, 4, response->details);
	at = wire_put_raw(at, response->metadata);
	at = wire_put_number(at, 6, response->retry_after_ms);
	at = wire_put_bool(at, 7, response->not_processed);
	at = wire_put_bool(at, 11, response->more);
	at = wire_put_bool(at, 12, response->end);
	at = wire_put_length(at, 15, response->payload.len);
	return (size_t)(at - out);
}

/* ------------------------------------------------------------------- data, cancel and credit */

bool wire_get_data(struct wire_bytes body, struct wire_data *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*out = (struct wire_data){0};
	while (wire_read_tag(&reader, &tag)) {
		switch (tag) {
		case WIRE_VARINT_TAG(1):
			wire_read_u32(&reader, &out->id);
			break;
		case WIRE_VARINT_TAG(11):
			wire_read_bool(&reader, &out->more);
			break;
		case WIRE_VARINT_TAG(12):
			wire_read_bool(&reader, &out->end);
			break;
		case WIRE_BYTES_TAG(15):
			wire_read_bytes(&reader, &out->payload);
			break;
		default:
			wire_read_unknown(&reader, tag, DATA_FIELDS);
		}
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_put_data_head(uint8_t *out, const struct wire_data *data)
{
	size_t body_len = wire_number_bytes(data->id) + wire_bool_bytes(data->more) +
			  wire_bool_bytes(data->end) + wire_bytes_bytes(data->payload.len);
	uint8_t *at = put_frame_head(out, WIRE_DATA, body_len);
	at = wire_put_number(at, 1, data->id);
	at = wire_put_bool(at, 11, data->more);
	at = wire_put_bool(at, 12, data->end);
	at = wire_put_length(at, 15, data->payload.len);
	return (size_t)(at - out);
}

bool wire_get_cancel(struct wire_bytes body, struct wire_cancel *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*out = (struct wire_cancel){0};
	while (wire_read_tag(&reader, &tag)) {
		if (tag == WIRE_VARINT_TAG(1))
			wire_read_u32(&reader, &out->id);
		else if (tag == WIRE_VARINT_TAG(2))
			wire_read_u32(&reader, &out->code);
		else if (tag == WIRE_BYTES_TAG(3))
			wire_read_bytes(&reader, &out->reason);
		else
			wire_read_unknown(&reader, tag, CANCEL_FIELDS);
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_put_cancel(uint8_t *out, const struct wire_cancel *cancel)
{
	size_t body_len = wire_number_bytes(cancel->id) + wire_number_bytes(cancel->code) +
			  wire_bytes_bytes(cancel->reason.len);
	uint8_t *at = put_frame_head(out, WIRE_CANCEL, body_len);
	at = wire_put_number(at, 1, cancel->id);
	at = wire_put_number(at, 2, cancel->code);
	at = wire_put_bytes(at, 3, cancel->reason);
	return (size_t)(at - out);
}

bool wire_get_credit(struct wire_bytes body, struct wire_credit *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*out = (struct wire_credit){0};
	while (wire_read_tag(&reader, &tag)) {
		if (tag == WIRE_VARINT_TAG(1))
			wire_read_u32(&reader, &out->id);
		else if (tag == WIRE_VARINT_TAG(2))
			wire_read_u32(&reader, &out->bytes);
		else
			wire_read_unknown(&reader, tag, CREDIT_FIELDS);
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_put_credit(uint8_t *out, const struct wire_credit *credit)
{
	size_t body_len = wire_number_bytes(credit->id) + wire_number_bytes(credit->bytes);
	uint8_t *at = put_frame_head(out, WIRE_CREDIT, body_len);
	at = wire_put_number(at, 1, credit->id);
	at = wire_put_number(at, 2, credit->bytes);
	return (size_t)(at - out);
}

/* --------------------------------------------------------------------------------------- state */

bool wire_get_state(struct wire_bytes body, struct wire_bytes *payload_out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;
	*payload_out = (struct wire_bytes){0};
	while (wire_read_tag(&reader, &tag)) {
		if (tag == WIRE_BYTES_TAG(15))
			wire_read_bytes(&reader, payload_out);
		else
			wire_read_unknown(&reader, tag, STATE_FIELDS);
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_put_state_head(uint8_t *out, size_t payload_len)
{
	uint8_t *at = put_frame_head(out, WIRE_STATE, wire_bytes_bytes(payload_len));
	at = wire_put_length(at, 15, payload_len);
	return (size_t)(at - out);
}
