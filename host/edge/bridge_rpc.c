/* The bridge for RPC over HTTP: the body of the request is the message, in the method's own codec,
 * and the body of the answer is the message that comes back.
 *
 * In a direction that streams, each message is preceded by its length, four bytes, big-endian, as
 * on the wire of the plugin protocol. A message of the answer is put together before it is sent,
 * because its length goes first; the plugin's max_message bounds it. */
#include "edge/bridge.h"

#include <string.h>

#include "edge/edge_internal.h"

/* ---- the request ---- */

static bool is_idempotent(const struct exchange *exchange)
{
	return exchange->method->idempotent;
}

static bool is_whole(const struct exchange *exchange)
{
	return !exchange->method->client_streams;
}

/* A unary request is one message; those of a stream are measured one by one. */
static uint64_t body_limit(const struct exchange *exchange)
{
	return exchange->method->client_streams ? UINT64_MAX
						: exchange->target->plugin->max_message_bytes;
}

static struct wire_bytes encode_metadata(const struct exchange *exchange)
{
	static const char name[] = "x-request-id";
	struct wire_bytes key = {(const uint8_t *)name, sizeof(name) - 1};
	struct wire_bytes value = {(const uint8_t *)exchange->request_id.data,
				   exchange->request_id.len};
	uint8_t *out = arena_alloc(exchange->request->arena, wire_pair_bytes(key.len, value.len));

	return (struct wire_bytes){out,
				   wire_put_pair(out, WIRE_REQUEST_METADATA_FIELD, key, value)};
}

/* What came in one piece is still where it was read to. */
static struct wire_bytes keep(const struct exchange *exchange, struct wire_bytes payload)
{
	uint8_t *kept;

	if (!exchange->is_repeatable || exchange->collected || payload.len == 0)
		return payload;
	kept = arena_alloc(exchange->request->arena, payload.len);
	memcpy(kept, payload.data, payload.len);
	return (struct wire_bytes){kept, payload.len};
}

static void begin_call(struct exchange *exchange, struct wire_bytes payload, bool more, bool end)
{
	struct wire_request request = {.metadata = encode_metadata(exchange),
				       .payload = keep(exchange, payload),
				       .more = more,
				       .end = end};

	bridge_call(exchange, &request);
}

static void fail_framing(struct exchange *exchange)
{
	if (exchange->call)
		bridge_cancel_call(exchange, OUTCOME_INVALID_ARGUMENT,
				   STR_LITERAL("the client's stream is malformed"));
	exchange->failing = true;
	exchange_fail_outcome(
		exchange, OUTCOME_INVALID_ARGUMENT,
		STR_LITERAL("the body of a streaming method is messages, each after its length "
			    "in four bytes, big-endian; this one ends early or is too long"),
		0);
}

/* The length prefix, which may come in pieces. False: it isn't whole yet. */
static bool take_prefix(struct exchange *exchange, struct wire_bytes *body)
{
	struct rpc_stream *stream = &exchange->rpc;
	const uint8_t *p = stream->prefix;

	while (stream->prefix_len < sizeof(stream->prefix) && body->len > 0) {
		stream->prefix[stream->prefix_len++] = *body->data++;
		body->len--;
	}
	if (stream->prefix_len < sizeof(stream->prefix))
		return false;
	stream->left = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	stream->prefix_len = 0;
	stream->in_message = true;
	return true;
}

static void send_stream(struct exchange *exchange, struct wire_bytes body, bool last)
{
	struct rpc_stream *stream = &exchange->rpc;

	while (body.len > 0) {
		size_t len;

		if (!stream->in_message && !take_prefix(exchange, &body))
			break;
		if (stream->left > exchange->target->plugin->max_message_bytes) {
			fail_framing(exchange);
			return;
		}
		len = body.len < stream->left ? body.len : stream->left;
		stream->left -= (uint32_t)len;
		stream->in_message = stream->left > 0;
		dispatch_send(exchange->call, (struct wire_bytes){body.data, len},
			      stream->in_message, false);
		body.data += len;
		body.len -= len;
	}
	if (last && (stream->in_message || stream->prefix_len > 0))
		fail_framing(exchange);
	else if (last)
		dispatch_send(exchange->call, (struct wire_bytes){NULL, 0}, false, true);
}

/* A streaming request begins without a message: the first may be long in coming. While the call
 * waits for its turn the body that is there already is kept for on_writable by not being wanted;
 * what has come with it is kept here. */
static void start(struct exchange *exchange, struct wire_bytes body, bool last)
{
	if (!exchange->method->client_streams) {
		begin_call(exchange, body, !last, last);
		return;
	}
	begin_call(exchange, (struct wire_bytes){NULL, 0}, false, last && body.len == 0);
	if (!exchange->call || (last && body.len == 0))
		return;
	if (dispatch_is_running(exchange->call)) {
		send_stream(exchange, body, last);
		return;
	}
	buf_append(&exchange->rpc.kept, body.data, body.len);
	exchange->rpc.kept_last = last;
	exchange->rpc.has_kept = true;
}

static void resume(struct exchange *exchange)
{
	struct rpc_stream *stream = &exchange->rpc;

	if (!stream->has_kept)
		return;
	stream->has_kept = false;
	send_stream(exchange, (struct wire_bytes){buf_front(&stream->kept), buf_len(&stream->kept)},
		    stream->kept_last);
	buf_deinit(&stream->kept);
}

static void send(struct exchange *exchange, struct wire_bytes body, bool last)
{
	if (exchange->method->client_streams)
		send_stream(exchange, body, last);
	else
		dispatch_send(exchange->call, body, !last, last);
}

/* ---- the answer ---- */

static void respond(struct exchange *exchange, struct wire_bytes body, bool end)
{
	struct http_field fields[1 + EXCHANGE_EXTRA_FIELDS] = {
		{STR_LITERAL("content-type"),
		 str_from(manifest_codec_media_type(exchange->method->codec))}};
	struct http_response response = {.status = 200, .fields = fields, .field_count = 1};

	exchange_respond(exchange, &response, body, end);
}

static bool take_unary(struct exchange *exchange, struct wire_bytes payload, bool end,
		       const char **why_out)
{
	uint64_t before = exchange->answered ? exchange->answer_bytes : 0;

	if (before + payload.len > exchange->target->plugin->max_message_bytes) {
		*why_out = "its answer is larger than max_message";
		return false;
	}
	if (!exchange->answered)
		respond(exchange, payload, end);
	else if (payload.len > 0 || end)
		exchange_send(exchange, payload, end);
	return true;
}

static void put_length(uint8_t *out, size_t len)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(len >> (24 - 8 * i));
}

/* An empty payload is a message only where it can't be an end; proto/plugd.proto has the rule. */
static bool is_message(const struct exchange *exchange, struct wire_bytes payload, bool more,
		       bool end, bool first)
{
	return payload.len > 0 || more || buf_len(&exchange->rpc.answer) > 0 || !(end || first);
}

static bool take_stream(struct exchange *exchange, struct wire_bytes payload, bool more, bool end,
			const char **why_out)
{
	struct buf *answer = &exchange->rpc.answer;
	bool first = !exchange->answered;
	bool whole = is_message(exchange, payload, more, end, first) && !more;
	uint8_t prefix[4];

	if (first)
		respond(exchange, (struct wire_bytes){NULL, 0}, false);
	if (buf_len(answer) + payload.len > exchange->target->plugin->max_message_bytes) {
		*why_out = "a message of its answer is larger than max_message";
		return false;
	}
	if (more || whole)
		buf_append(answer, payload.data, payload.len);
	if (whole) {
		put_length(prefix, buf_len(answer));
		exchange_send(exchange, (struct wire_bytes){prefix, sizeof(prefix)}, false);
		exchange_send(exchange, (struct wire_bytes){buf_front(answer), buf_len(answer)},
			      end);
		buf_deinit(answer);
	} else if (end) {
		exchange_send(exchange, payload, true);
	}
	return true;
}

static bool take(struct exchange *exchange, struct wire_bytes payload, bool more, bool end,
		 const char **why_out)
{
	if (exchange->method->server_streams)
		return take_stream(exchange, payload, more, end, why_out);
	return take_unary(exchange, payload, end, why_out);
}

const struct bridge_ops bridge_rpc = {
	.is_idempotent = is_idempotent,
	.is_whole = is_whole,
	.body_limit = body_limit,
	.start = start,
	.send = send,
	.resume = resume,
	.take = take,
};
