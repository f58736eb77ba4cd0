/* An id for every request: what the client, the log lines and the plugin all call it.
 *
 * A client's own X-Request-Id is kept when it is short and harmless, so that a trace from outside
 * goes on. Ours are unique for this host's life and hard to guess from outside: a counter through a
 * mixing function that is keyed at start (the finaliser of splitmix64; Steele, Lea and Flood,
 * 2014). */
#include "edge/mw.h"

#include "edge/edge_internal.h"

/* Of an id that a client may choose. */
#define REQUEST_ID_MAX 64

static bool is_harmless(struct str id)
{
	if (id.len == 0 || id.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.data[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		if (!ok)
			return false;
	}
	return true;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

struct str exchange_make_id(struct edge *edge, struct arena *arena)
{
	uint64_t id = mix(edge->request_key + edge->request_count++);
	char *text = arena_alloc(arena, 2 * sizeof(id) + 1);

	str_hex(text, (const uint8_t *)&id, sizeof(id));
	return (struct str){text, 2 * sizeof(id)};
}

static bool on_request(struct exchange *exchange, struct exchange_error *error)
{
	const struct http_request *request = exchange->request;
	struct str sent = http_request_value(request, "x-request-id");

	if (is_harmless(sent))
		exchange->request_id = sent;
	else
		exchange->request_id = exchange_make_id(exchange->edge, request->arena);
	return true;
}

static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	fields[(*count)++] =
		(struct http_field){STR_LITERAL("x-request-id"), exchange->request_id, true};
}

const struct middleware mw_request_id = {
	.name = "request_id", .on_request = on_request, .on_response = on_response};
