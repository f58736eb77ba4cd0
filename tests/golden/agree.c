/* The hot codec against protobuf-c: one row for each message, with a comparison of its fields. Owns
 * nothing; both sides are read anew for each question. */
#include "tests/golden/agree.h"

#include <stdlib.h>
#include <string.h>

#include "proto/http.pb-c.h"
#include "proto/plugd.pb-c.h"
#include "proto/wire_caller.h"
#include "proto/wire_http.h"

union hot {
	struct wire_request request;
	struct wire_response response;
	struct wire_data data;
	struct wire_cancel cancel;
	struct wire_credit credit;
	struct wire_bytes state;
	struct wire_http_request http_request;
	struct wire_http_response http_response;
};

/* ---- fields ---- */

/* protobuf-c ends strings with a NUL and forgets their length; what is before is compared. */
static bool same_text(struct wire_bytes hot, const char *ref)
{
	return memcmp(hot.len ? (const char *)hot.data : "", ref, hot.len) == 0 &&
	       ref[hot.len] == '\0';
}

static bool same_bytes(struct wire_bytes hot, ProtobufCBinaryData ref)
{
	return hot.len == ref.len && (hot.len == 0 || memcmp(hot.data, ref.data, hot.len) == 0);
}

static bool same_metadata(struct wire_bytes pairs, unsigned field, size_t count,
			  Plugd__V1__Metadata **ref)
{
	struct wire_bytes name, value;
	size_t i = 0;

	for (; wire_next_pair(&pairs, field, &name, &value); i++) {
		if (i >= count || !same_text(name, ref[i]->name) ||
		    !same_text(value, ref[i]->value))
			return false;
	}
	return i == count;
}

static bool same_params(struct wire_bytes pairs, size_t count, Plugd__Http__V1__Param **ref)
{
	struct wire_bytes name, value;
	size_t i = 0;

	for (; wire_next_pair(&pairs, WIRE_HTTP_PARAMS_FIELD, &name, &value); i++) {
		if (i >= count || !same_text(name, ref[i]->name) ||
		    !same_text(value, ref[i]->value))
			return false;
	}
	return i == count;
}

static bool same_headers(struct wire_bytes pairs, unsigned field, size_t count,
			 Plugd__Http__V1__Header **ref)
{
	struct wire_bytes name, value;
	size_t i = 0;

	for (; wire_next_pair(&pairs, field, &name, &value); i++) {
		if (i >= count || !same_text(name, ref[i]->name) ||
		    !same_bytes(value, ref[i]->value))
			return false;
	}
	return i == count;
}

static bool same_texts(struct wire_bytes texts, unsigned field, size_t count, char *const *ref)
{
	struct wire_bytes text;
	size_t i = 0;

	for (; wire_next_text(&texts, field, &text); i++) {
		if (i >= count || !same_text(text, ref[i]))
			return false;
	}
	return i == count;
}

/* An empty one and none are the same to the hot codec. */
static bool same_caller(struct wire_bytes body, const Plugd__V1__Caller *ref)
{
	struct wire_caller caller;
	const char *why;

	if (!wire_get_caller(body, &caller, &why))
		return false;
	if (!ref)
		return body.len == 0;
	return same_text(caller.method, ref->method) && same_text(caller.claims, ref->claims) &&
	       same_texts(caller.roles, WIRE_CALLER_ROLES_FIELD, ref->n_roles, ref->roles) &&
	       same_texts(caller.scopes, WIRE_CALLER_SCOPES_FIELD, ref->n_scopes, ref->scopes);
}

static bool same_request(const union hot *hot, const void *message)
{
	const struct wire_request *a = &hot->request;
	const Plugd__V1__Request *b = message;

	return a->id == b->id && a->method == b->method && a->timeout_ms == b->timeout_ms &&
	       a->attempt == b->attempt && a->more == b->more && a->end == b->end &&
	       same_text(a->idempotency_key, b->idempotency_key) &&
	       same_text(a->trace_parent, b->trace_parent) &&
	       same_text(a->trace_state, b->trace_state) && same_text(a->tenant, b->tenant) &&
	       same_text(a->principal, b->principal) && same_caller(a->caller, b->caller) &&
	       same_metadata(a->metadata, WIRE_REQUEST_METADATA_FIELD, b->n_metadata,
			     b->metadata) &&
	       same_bytes(a->payload, b->payload);
}

static bool same_response(const union hot *hot, const void *message)
{
	const struct wire_response *a = &hot->response;
	const Plugd__V1__Response *b = message;

	return a->id == b->id && a->code == b->code && a->retry_after_ms == b->retry_after_ms &&
	       a->not_processed == b->not_processed && a->more == b->more && a->end == b->end &&
	       same_text(a->message, b->message) && same_bytes(a->details, b->details) &&
	       same_metadata(a->metadata, WIRE_RESPONSE_METADATA_FIELD, b->n_metadata,
			     b->metadata) &&
	       same_bytes(a->payload, b->payload);
}

static bool same_data(const union hot *hot, const void *message)
{
	const Plugd__V1__Data *b = message;

	return hot->data.id == b->id && hot->data.more == b->more && hot->data.end == b->end &&
	       same_bytes(hot->data.payload, b->payload);
}

static bool same_cancel(const union hot *hot, const void *message)
{
	const Plugd__V1__Cancel *b = message;

	return hot->cancel.id == b->id && hot->cancel.code == b->code &&
	       same_text(hot->cancel.reason, b->reason);
}

static bool same_credit(const union hot *hot, const void *message)
{
	const Plugd__V1__Credit *b = message;

	return hot->credit.id == b->id && hot->credit.bytes == b->bytes;
}

static bool same_state(const union hot *hot, const void *message)
{
	const Plugd__V1__State *b = message;

	return same_bytes(hot->state, b->payload);
}

static bool same_http_request(const union hot *hot, const void *message)
{
	const struct wire_http_request *a = &hot->http_request;
	const Plugd__Http__V1__Request *b = message;

	return same_text(a->method, b->method) && same_text(a->path, b->path) &&
	       same_text(a->query, b->query) && same_text(a->route, b->route) &&
	       same_params(a->params, b->n_params, b->params) && same_text(a->scheme, b->scheme) &&
	       same_text(a->authority, b->authority) && same_text(a->peer, b->peer) &&
	       same_text(a->request_id, b->request_id) &&
	       same_headers(a->headers, WIRE_HTTP_REQUEST_HEADERS_FIELD, b->n_headers,
			    b->headers) &&
	       a->content_length == b->content_length &&
	       a->has_content_length == b->has_content_length && same_bytes(a->body, b->body);
}

static bool same_http_response(const union hot *hot, const void *message)
{
	const struct wire_http_response *a = &hot->http_response;
	const Plugd__Http__V1__Response *b = message;

	return a->status == b->status &&
	       same_headers(a->headers, WIRE_HTTP_RESPONSE_HEADERS_FIELD, b->n_headers,
			    b->headers) &&
	       same_bytes(a->body, b->body);
}

/* ---- the hot codec behind one shape ---- */

static bool get_request(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_request(in, &out->request, why_out);
}

static bool get_response(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_response(in, &out->response, why_out);
}

static bool get_data(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_data(in, &out->data, why_out);
}

static bool get_cancel(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_cancel(in, &out->cancel, why_out);
}

static bool get_credit(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_credit(in, &out->credit, why_out);
}

static bool get_state(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_state(in, &out->state, why_out);
}

static bool get_http_request(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_http_request(in, &out->http_request, why_out);
}

static bool get_http_response(struct wire_bytes in, union hot *out, const char **why_out)
{
	return wire_get_http_response(in, &out->http_response, why_out);
}

/* Each put writes into memory of exactly the promised size, so that a bound that is too small is
 * caught by the sanitizer; head and payload are joined by the caller. */
struct written {
	uint8_t *head; /* owned */
	size_t head_len;
	struct wire_bytes payload;
};

static void put_request(const union hot *hot, struct written *out)
{
	out->head = malloc(wire_request_head_bound(&hot->request));
	out->head_len = wire_put_request_head(out->head, &hot->request);
	out->payload = hot->request.payload;
}

static void put_response(const union hot *hot, struct written *out)
{
	out->head = malloc(wire_response_head_bound(&hot->response));
	out->head_len = wire_put_response_head(out->head, &hot->response);
	out->payload = hot->response.payload;
}

static void put_data(const union hot *hot, struct written *out)
{
	out->head = malloc(WIRE_DATA_HEAD_BOUND);
	out->head_len = wire_put_data_head(out->head, &hot->data);
	out->payload = hot->data.payload;
}

static void put_cancel(const union hot *hot, struct written *out)
{
	out->head = malloc(WIRE_CANCEL_BOUND + hot->cancel.reason.len);
	out->head_len = wire_put_cancel(out->head, &hot->cancel);
}

static void put_credit(const union hot *hot, struct written *out)
{
	out->head = malloc(WIRE_CREDIT_BOUND);
	out->head_len = wire_put_credit(out->head, &hot->credit);
}

static void put_state(const union hot *hot, struct written *out)
{
	out->head = malloc(WIRE_STATE_HEAD_BOUND);
	out->head_len = wire_put_state_head(out->head, hot->state.len);
	out->payload = hot->state;
}

static void put_http_request(const union hot *hot, struct written *out)
{
	out->head = malloc(wire_http_request_head_bound(&hot->http_request) + 1);
	out->head_len = wire_put_http_request_head(out->head, &hot->http_request);
	out->payload = hot->http_request.body;
}

static void put_http_response(const union hot *hot, struct written *out)
{
	out->head = malloc(wire_http_response_head_bound(&hot->http_response) + 1);
	out->head_len = wire_put_http_response_head(out->head, &hot->http_response);
	out->payload = hot->http_response.body;
}

/* ---- the rows ---- */

struct row {
	enum wire_kind kind; /* WIRE_NONE: it is a payload, not a frame */
	const ProtobufCMessageDescriptor *ref;
	bool (*get)(struct wire_bytes in, union hot *out, const char **why_out);
	bool (*same)(const union hot *hot, const void *ref);
	void (*put)(const union hot *hot, struct written *out);
};

static const struct row rows[AGREE_MESSAGES] = {
	[AGREE_REQUEST] = {WIRE_REQUEST, &plugd__v1__request__descriptor, get_request, same_request,
			   put_request},
	[AGREE_RESPONSE] = {WIRE_RESPONSE, &plugd__v1__response__descriptor, get_response,
			    same_response, put_response},
	[AGREE_DATA] = {WIRE_DATA, &plugd__v1__data__descriptor, get_data, same_data, put_data},
	[AGREE_CANCEL] = {WIRE_CANCEL, &plugd__v1__cancel__descriptor, get_cancel, same_cancel,
			  put_cancel},
	[AGREE_CREDIT] = {WIRE_CREDIT, &plugd__v1__credit__descriptor, get_credit, same_credit,
			  put_credit},
	[AGREE_STATE] = {WIRE_STATE, &plugd__v1__state__descriptor, get_state, same_state,
			 put_state},
	[AGREE_HTTP_REQUEST] = {WIRE_NONE, &plugd__http__v1__request__descriptor, get_http_request,
				same_http_request, put_http_request},
	[AGREE_HTTP_RESPONSE] = {WIRE_NONE, &plugd__http__v1__response__descriptor,
				 get_http_response, same_http_response, put_http_response},
};

/* ---- the questions ---- */

/* Why the hot codec may refuse what protobuf-c reads; wire_field.h says why it does. (protobuf-c
 * does not look at the wire type of a bool.) */
static bool is_stricter(const char *why)
{
	static const char *const reasons[] = {
		"a field has the wrong wire type",
		"a tag is malformed",
		"a number is malformed",
		"an unknown field is malformed",
		"a pair is malformed",
		"the pairs of a list are not adjacent",
		"the frame holds more than one message",
		"the frame is empty",
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i], why) == 0)
			return true;
	}
	return false;
}

/* Are these the bytes that protobuf-c writes for its fields? Unknown fields are written again by
 * protobuf-c and dropped by us. */
static bool is_canonical(struct wire_bytes in, const ProtobufCMessage *ref)
{
	size_t len = protobuf_c_message_get_packed_size(ref);
	uint8_t *packed = malloc(len + 1);
	bool same;

	protobuf_c_message_pack(ref, packed);
	same = len == in.len && (len == 0 || memcmp(packed, in.data, len) == 0);
	free(packed);
	return same && ref->n_unknown_fields == 0;
}

static bool is_written_alike(const struct row *row, const union hot *hot, struct wire_bytes in)
{
	struct written got = {0};
	uint8_t head[WIRE_FRAME_HEAD_BOUND];
	size_t head_len = row->kind == WIRE_NONE ? 0 : wire_put_frame_head(head, row->kind, in.len);
	bool same;

	row->put(hot, &got);
	same = got.head_len + got.payload.len == head_len + in.len &&
	       memcmp(got.head, head, head_len) == 0 &&
	       memcmp(got.head + head_len, in.data, got.head_len - head_len) == 0 &&
	       (got.payload.len == 0 ||
		memcmp(got.payload.data, in.data + (in.len - got.payload.len), got.payload.len) ==
			0);
	free(got.head);
	return same;
}

static const char *compare(const struct row *row, struct wire_bytes in, const ProtobufCMessage *ref)
{
	union hot hot;
	const char *why;

	if (!row->get(in, &hot, &why))
		return ref && !is_stricter(why) ? "only protobuf-c reads it" : NULL;
	if (!ref)
		return "only the hot codec reads it";
	if (!row->same(&hot, ref))
		return "the fields differ";
	if (is_canonical(in, ref) && !is_written_alike(row, &hot, in))
		return "the hot codec writes other bytes";
	return NULL;
}

const char *agree_on_message(enum agree_message message, struct wire_bytes in)
{
	const struct row *row = &rows[message];
	static const uint8_t nothing;
	struct wire_bytes bytes = {in.len ? in.data : &nothing, in.len};
	ProtobufCMessage *ref = protobuf_c_message_unpack(row->ref, NULL, bytes.len, bytes.data);
	const char *diff = compare(row, bytes, ref);

	if (ref)
		protobuf_c_message_free_unpacked(ref, NULL);
	return diff;
}

static const char *compare_kinds(enum wire_kind kind, const char *why, const Plugd__V1__Frame *ref)
{
	if (kind == WIRE_NONE && why)
		return ref && !is_stricter(why) ? "only protobuf-c reads the frame" : NULL;
	if (ref && (unsigned)ref->kind_case != (unsigned)kind)
		return "the kinds differ";
	return NULL;
}

const char *agree_on_frame(struct wire_bytes frame)
{
	struct wire_bytes body;
	const char *why;
	enum wire_kind kind = wire_frame_kind(frame, &body, &why);
	Plugd__V1__Frame *ref = plugd__v1__frame__unpack(NULL, frame.len, frame.data);
	const char *diff = compare_kinds(kind, why, ref);

	if (ref)
		plugd__v1__frame__free_unpacked(ref, NULL);
	for (int i = 0; i < AGREE_MESSAGES && !diff && kind != WIRE_NONE; i++) {
		if (rows[i].kind == kind)
			diff = agree_on_message((enum agree_message)i, body);
	}
	return diff;
}

/* When the part is enough, whole and part must tell the same head, and bodies that fit. */
static const char *compare_parts(const struct wire_http_response *whole,
				 const struct wire_http_response *part, uint64_t body_left)
{
	if (whole->status != part->status || whole->headers.len != part->headers.len ||
	    whole->headers.data != part->headers.data)
		return "the part has another head";
	if (part->body.len + body_left != whole->body.len)
		return "the part promises another length of the body";
	if (part->body.len > 0 && part->body.data != whole->body.data)
		return "the part's body begins elsewhere";
	return NULL;
}

const char *agree_on_http_part(struct wire_bytes in, size_t cut)
{
	struct wire_http_response whole, part;
	struct wire_bytes first = {in.data, cut};
	uint64_t body_left = 0;
	const char *why;
	bool reads = wire_get_http_response(in, &whole, &why);

	switch (wire_get_http_response_part(first, &part, &body_left, &why)) {
	case WIRE_HTTP_PART_READY:
		/* A body with something behind it is refused by whoever collects the rest. */
		if (!reads || part.body.data + part.body.len + body_left != in.data + in.len)
			return NULL;
		return compare_parts(&whole, &part, body_left);
	case WIRE_HTTP_PART_NEEDS_MORE:
	case WIRE_HTTP_PART_BAD:
		return NULL;
	}
	return "the part is neither";
}
