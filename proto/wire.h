/* The hot path of the wire: REQUEST, RESPONSE, DATA, CANCEL and CREDIT, and STATE because its
 * payload is large, encoded and decoded without a library. Host and SDK compile this one codec, so
 * they can't drift apart; the golden tests hold it to the very bytes that protobuf-c and nanopb
 * write and read. Every other frame goes through those libraries.
 *
 * Pure: no allocation, no descriptor, no clock. Decoded structs borrow from the input and are valid
 * as long as it is. */
#ifndef PLUGD_PROTO_WIRE_H
#define PLUGD_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length prefix of a frame: 4 bytes, big-endian. */
#define WIRE_PREFIX_BYTES 4

/* Defaults of Limits, in bytes and calls; proto/plugd.proto says what they mean. */
#define WIRE_MAX_FRAME_BYTES	  (1u << 20)
#define WIRE_MIN_FRAME_BYTES	  (128u << 10)
#define WIRE_CHUNK_BYTES	  (64u << 10)
#define WIRE_CALL_WINDOW_BYTES	  (256u << 10)
#define WIRE_CHANNEL_WINDOW_BYTES (4u << 20)
#define WIRE_MAX_CALLS		  1024u
#define WIRE_MAX_MESSAGE_BYTES	  (16u << 20)
#define WIRE_MAX_STATE_BYTES	  (64u << 20)

/* Number of the field of Frame that is set; WIRE_NONE: nothing this version knows. */
enum wire_kind {
	WIRE_NONE = 0,
	WIRE_HELLO = 1,
	WIRE_WELCOME = 2,
	WIRE_START = 3,
	WIRE_READY = 4,
	WIRE_FAILED = 5,
	WIRE_DRAIN = 6,
	WIRE_BYE = 7,
	WIRE_REQUEST = 8,
	WIRE_RESPONSE = 9,
	WIRE_DATA = 10,
	WIRE_CANCEL = 11,
	WIRE_CREDIT = 12,
	WIRE_PING = 13,
	WIRE_PONG = 14,
	WIRE_LOG = 15,
	WIRE_PUBLISH = 16,
	WIRE_DELIVER = 17,
	WIRE_ACK = 18,
	WIRE_EXPORT = 19,
	WIRE_STATE = 20,
	WIRE_STATE_END = 21,
	WIRE_IMPORT = 22,
	WIRE_IMPORTED = 23,
	WIRE_CONFIG = 24,
	WIRE_CONFIG_RESULT = 25,
	WIRE_KIND_END, /* one past the last */
};

/* A run of bytes that belongs to somebody else. Strings are not terminated. */
struct wire_bytes {
	const uint8_t *data;
	size_t len;
};

struct wire_request {
	uint32_t id;
	uint32_t method;
	uint32_t timeout_ms; /* 0: no deadline */
	uint32_t attempt;
	bool more; /* the message goes on in the next frame */
	bool end;  /* the caller's side ends with this frame */
	struct wire_bytes idempotency_key;
	struct wire_bytes trace_parent;
	struct wire_bytes trace_state;
	struct wire_bytes tenant;
	struct wire_bytes principal;
	struct wire_bytes
		metadata; /* encoded pairs: wire_put_pair() writes, wire_next_pair() reads */
	struct wire_bytes caller; /* encoded: proto/wire_caller.h writes and reads it */
	struct wire_bytes payload;
};

struct wire_response {
	uint32_t id;
	uint32_t code; /* canonical code; 0: OK */
	uint32_t retry_after_ms;
	bool not_processed;
	bool more;
	bool end;
	struct wire_bytes message;
	struct wire_bytes details;
	struct wire_bytes metadata;
	struct wire_bytes payload;
};

struct wire_data {
	uint32_t id;
	bool more;
	bool end;
	struct wire_bytes payload;
};

struct wire_cancel {
	uint32_t id;
	uint32_t code;
	struct wire_bytes reason;
};

struct wire_credit {
	uint32_t id; /* 0: the channel */
	uint32_t bytes;
};

/* Reads the length prefix. */
uint32_t wire_get_prefix(const uint8_t *in);

/* Which kind a frame (without its prefix) is. Sets *body_out to that kind's message. Returns
 * WIRE_NONE, with *why_out set to a constant sentence, for bytes that are no Frame; with *why_out
 * NULL for a well-formed frame of a kind that this version does not know. */
enum wire_kind wire_frame_kind(struct wire_bytes frame, struct wire_bytes *body_out,
			       const char **why_out);

/* Decode the message of a frame of that kind. True, or false with *why_out set to a constant
 * sentence. */
bool wire_get_request(struct wire_bytes body, struct wire_request *out, const char **why_out);
bool wire_get_response(struct wire_bytes body, struct wire_response *out, const char **why_out);
bool wire_get_data(struct wire_bytes body, struct wire_data *out, const char **why_out);
bool wire_get_cancel(struct wire_bytes body, struct wire_cancel *out, const char **why_out);
bool wire_get_credit(struct wire_bytes body, struct wire_credit *out, const char **why_out);
bool wire_get_state(struct wire_bytes body, struct wire_bytes *payload_out, const char **why_out);

/* Encode a frame up to its payload: prefix, envelope and the payload's tag and length. The
 * payload's bytes (payload.len of them; payload.data is not read) must follow on the wire. `out`
 * holds at least the bytes that x_head_bound() says. Return what was written. */
size_t wire_request_head_bound(const struct wire_request *request);
size_t wire_put_request_head(uint8_t *out, const struct wire_request *request);
size_t wire_response_head_bound(const struct wire_response *response);
size_t wire_put_response_head(uint8_t *out, const struct wire_response *response);
#define WIRE_DATA_HEAD_BOUND 32
size_t wire_put_data_head(uint8_t *out, const struct wire_data *data);
#define WIRE_STATE_HEAD_BOUND 32
size_t wire_put_state_head(uint8_t *out, size_t payload_len);

/* Encode a whole frame. `out` holds the bound plus reason.len. Return what was written. */
#define WIRE_CANCEL_BOUND 32
size_t wire_put_cancel(uint8_t *out, const struct wire_cancel *cancel);
#define WIRE_CREDIT_BOUND 24
size_t wire_put_credit(uint8_t *out, const struct wire_credit *credit);

/* A frame of any kind around a message that a library encoded: prefix and tag only, the message's
 * `body_len` bytes must follow. Returns what was written, at most WIRE_FRAME_HEAD_BOUND. */
#define WIRE_FRAME_HEAD_BOUND 16
size_t wire_put_frame_head(uint8_t *out, enum wire_kind kind, size_t body_len);

/* Pairs of name and value (Metadata here, Param and Header in http.proto) under the field number
 * `field`, at most 15: 10 for a request's metadata, 5 for a response's. */
#define WIRE_REQUEST_METADATA_FIELD  10
#define WIRE_RESPONSE_METADATA_FIELD 5
size_t wire_pair_bytes(size_t name_len, size_t value_len);
size_t wire_put_pair(uint8_t *out, unsigned field, struct wire_bytes name, struct wire_bytes value);

/* Takes the next pair of that field off `*pairs`, skipping other fields. False at the end, and for
 * malformed bytes (which wire_get_*() have refused before). */
bool wire_next_pair(struct wire_bytes *pairs, unsigned field, struct wire_bytes *name_out,
		    struct wire_bytes *value_out);

#endif
