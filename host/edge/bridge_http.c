/* The bridge to the raw HTTP service: the plugin sees the request, and its answer goes out as it
 * says it.
 *
 * The head of the request is encoded once, straight into memory of the stream, with the first bytes
 * of the body behind it: a small request is one frame. Hop-by-hop fields stay here in both
 * directions. What the plugin may not send (a status that is none, a field with a line break in it)
 * is refused by net, and the client gets 502. */
#include "edge/bridge.h"

#include <string.h>

#include "edge/edge_internal.h"
#include "proto/wire_http.h"
#include "trust/digest.h"

static struct wire_bytes bytes_of(struct str text)
{
	return (struct wire_bytes){(const uint8_t *)text.data, text.len};
}

static struct str str_of(struct wire_bytes bytes)
{
	return (struct str){(const char *)bytes.data, bytes.len};
}

/* ---- the request ---- */

/* RFC 9110, 9.2.2. */
static bool is_idempotent(const struct exchange *exchange)
{
	static const struct str methods[] = {{"GET", 3},   {"HEAD", 4}, {"OPTIONS", 7},
					     {"TRACE", 5}, {"PUT", 3},	{"DELETE", 6}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (str_eq(exchange->request->method, methods[i]))
			return true;
	}
	return false;
}

static struct wire_bytes encode_headers(const struct http_request *request)
{
	bool has_connection =
		http_field_find(request->fields, request->field_count, "connection") != NULL;
	size_t size = 0;
	uint8_t *out, *at;

	for (size_t i = 0; i < request->field_count; i++)
		size += wire_pair_bytes(request->fields[i].name.len, request->fields[i].value.len);
	out = at = arena_alloc(request->arena, size);
	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		/* RFC 9110, 7.6.1: what a Connection field names goes no further than this one. */
		if (http_field_is_hop(field->name) ||
		    (has_connection && http_fields_list(request->fields, request->field_count,
							STR_LITERAL("connection"), field->name)))
			continue;
		at += wire_put_pair(at, WIRE_HTTP_REQUEST_HEADERS_FIELD, bytes_of(field->name),
				    bytes_of(field->value));
	}
	return (struct wire_bytes){out, (size_t)(at - out)};
}

static struct wire_bytes encode_params(const struct exchange *exchange)
{
	struct arena *arena = exchange->request->arena;
	size_t size = 0;
	uint8_t *out, *at;

	if (exchange->param_count == 0)
		return (struct wire_bytes){NULL, 0};
	for (size_t i = 0; i < exchange->param_count; i++)
		size += wire_pair_bytes(exchange->params[i].name.len,
					exchange->params[i].value.len);
	out = at = arena_alloc(arena, size);
	for (size_t i = 0; i < exchange->param_count; i++)
		at += wire_put_pair(
			at, WIRE_HTTP_PARAMS_FIELD, bytes_of(exchange->params[i].name),
			bytes_of(http_segment_decode(arena, exchange->params[i].value)));
	return (struct wire_bytes){out, (size_t)(at - out)};
}

static void identify_part(struct digest_stream *to, struct wire_bytes part)
{
	digest_stream_add(to, part.data, part.len);
	digest_stream_add(to, "", 1);
}

/* Who asks, and with which headers, differs from one time to the next. */
static void identify(struct wire_bytes payload, struct digest_stream *to)
{
	struct wire_http_request request;
	const char *why;

	if (!wire_get_http_request(payload, &request, &why))
		return;
	identify_part(to, request.method);
	identify_part(to, request.path);
	identify_part(to, request.query);
	identify_part(to, request.body);
}

static void start(struct exchange *exchange, struct wire_bytes body, bool last)
{
	const struct http_request *http = exchange->request;
	struct wire_http_request head = {
		.method = bytes_of(http->method),
		.path = bytes_of(lead_path(exchange)),
		.query = bytes_of(http->query),
		.route = bytes_of(exchange->route->pattern),
		.params = encode_params(exchange),
		.scheme = bytes_of(http->scheme),
		.authority = bytes_of(http->authority),
		.peer = bytes_of(http->peer),
		.request_id = bytes_of(exchange->request_id),
		.headers = encode_headers(http),
		.content_length = http->content_length,
		.has_content_length = http->has_content_length,
		.body = body,
	};
	struct wire_request request = {.end = last};
	uint8_t *out = arena_alloc(http->arena, wire_http_request_head_bound(&head) + body.len);
	size_t len = wire_put_http_request_head(out, &head);

	if (body.len > 0)
		memcpy(out + len, body.data, body.len);
	request.payload = (struct wire_bytes){out, len + body.len};
	bridge_call(exchange, &request);
}

/* A message that has only a body: its tag and length go ahead of it, in a frame of their own, so
 * that the bytes needn't be copied. */
static void send(struct exchange *exchange, struct wire_bytes body, bool last)
{
	struct wire_http_request message = {.body = body};
	uint8_t head[16];

	if (body.len > 0)
		dispatch_send(exchange->call,
			      (struct wire_bytes){head, wire_put_http_request_head(head, &message)},
			      true, false);
	dispatch_send(exchange->call, body, false, last);
}

/* ---- the answer ---- */

static size_t count_pairs(struct wire_bytes pairs)
{
	struct wire_bytes name, value;
	size_t count = 0;

	while (wire_next_pair(&pairs, WIRE_HTTP_RESPONSE_HEADERS_FIELD, &name, &value))
		count++;
	return count;
}

/* A length that the plugin gives counts where we can't know better. */
static void take_field(struct http_response *response, const struct http_field *field)
{
	if (str_eq_nocase(field->name, STR_LITERAL("content-length")))
		response->has_content_length =
			str_to_u64(field->value, INT64_MAX, &response->content_length);
}

static bool respond(struct exchange *exchange, const struct answer_piece *piece, bool end)
{
	size_t count = count_pairs(piece->headers);
	struct http_field *fields = arena_alloc(exchange->request->arena,
						(count + EXCHANGE_EXTRA_FIELDS) * sizeof(*fields));
	struct http_response response = {.status = piece->status, .fields = fields};
	struct wire_bytes pairs = piece->headers;
	struct wire_bytes name, value;

	while (wire_next_pair(&pairs, WIRE_HTTP_RESPONSE_HEADERS_FIELD, &name, &value)) {
		struct http_field *field = &fields[response.field_count];

		*field = (struct http_field){str_of(name), str_of(value)};
		take_field(&response, field);
		if (!str_eq_nocase(field->name, STR_LITERAL("x-request-id")))
			response.field_count++;
	}
	if (end && !str_eq(exchange->request->method, STR_LITERAL("HEAD")))
		response.has_content_length = false;
	return exchange_respond(exchange, &response, piece->body, end);
}

static bool take(struct exchange *exchange, struct wire_bytes payload, bool more, bool end,
		 const char **why_out)
{
	struct answer_piece piece;

	if (exchange->answered && payload.len == 0 && !more) {
		if (end)
			exchange_send(exchange, payload, true);
		return true;
	}
	if (!answer_reader_feed(&exchange->reader, payload, more, &piece, why_out))
		return false;
	if (piece.is_head && !respond(exchange, &piece, end)) {
		*why_out = "its status or a header of its answer can't be sent";
		return false;
	}
	if (!piece.is_head && exchange->answered && (piece.body.len > 0 || end))
		exchange_send(exchange, piece.body, end);
	return true;
}

const struct bridge_ops bridge_http = {
	.is_idempotent = is_idempotent,
	.start = start,
	.send = send,
	.identify = identify,
	.take = take,
};
