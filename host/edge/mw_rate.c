/* How much one client may ask: the route's limit, else the edge's. Who asks for more gets 429 and
 * is told when to come back. Refused requests take nothing from the bucket, so who keeps on asking
 * is let through as often as one who waits. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "observe/errors.h"

static const char by_header[] = RATE_BY_HEADER;

/* The name that `by: header NAME` gives; NULL: clients are told apart by address. */
static const char *header_of(const struct edge_opts *opts)
{
	size_t len = sizeof(by_header) - 1;

	return opts->rate_by && strncmp(opts->rate_by, by_header, len) == 0 ? opts->rate_by + len
									    : NULL;
}

/* The field of that name, in any case. */
static const struct http_field *find_field(const struct http_request *request, const char *name)
{
	for (size_t i = 0; name && i < request->field_count; i++) {
		if (str_eq_nocase(request->fields[i].name, str_from(name)))
			return &request->fields[i];
	}
	return NULL;
}

/* Whose bucket it is, under which limit. */
struct bucket {
	const void *name;
	size_t len;
	uint64_t salt;
	struct tokens_rate rate;
	struct ip client;
};

static void find_bucket(const struct exchange *exchange, struct bucket *bucket)
{
	const struct edge_opts *opts = exchange->routes->from.opts;
	const struct edge_route *route = exchange->route;
	const struct http_field *field = find_field(exchange->request, header_of(opts));
	bool has_own = route && route->rate.per_second > 0;

	bucket->rate = has_own ? route->rate : opts->rate;
	bucket->salt = has_own ? route->rate_salt : 0;
	bucket->client = ip_client(&exchange->client);
	bucket->name = field ? (const void *)field->value.data : &bucket->client;
	bucket->len = field ? field->value.len : sizeof(bucket->client);
	if (field)
		bucket->salt = ~bucket->salt;
}

static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	struct edge *edge = exchange->edge;
	struct bucket bucket;
	int64_t wait_ms;

	find_bucket(exchange, &bucket);
	if (bucket.rate.per_second == 0)
		return true;
	exchange->is_rated = true;
	if (clients_take(edge->clients, bucket.name, bucket.len, bucket.salt, bucket.rate,
			 loop_now_us(edge->loop), &wait_ms))
		return true;
	*error = (struct exchange_error){
		.status = 429,
		.code = error_find(ERR_CLIENT_RATE)->name,
		.message = STR_LITERAL("You ask more often than you may; come back later"),
		.retry_after_ms = wait_ms < UINT32_MAX / 2 ? (uint32_t)wait_ms : UINT32_MAX / 2};
	return false;
}

/* draft-ietf-httpapi-ratelimit-headers: q requests in w seconds, and r of them left. A bucket that
 * is not full gets at least one more each second, so r is all that there is for no longer (t). */
static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	struct edge *edge = exchange->edge;
	struct arena *arena = exchange->request->arena;
	struct bucket bucket;
	uint32_t left, window_s;

	if (!exchange->is_rated || !exchange->routes->from.opts->rate_headers)
		return;
	find_bucket(exchange, &bucket);
	left = clients_left(edge->clients, bucket.name, bucket.len, bucket.salt, bucket.rate,
			    loop_now_us(edge->loop));
	window_s = (bucket.rate.burst + bucket.rate.per_second - 1) / bucket.rate.per_second;
	fields[(*count)++] = (struct http_field){
		STR_LITERAL("ratelimit-policy"),
		str_from(arena_printf(arena, "\"client\";q=%u;w=%u", bucket.rate.burst, window_s))};
	fields[(*count)++] =
		(struct http_field){STR_LITERAL("ratelimit"),
				    str_from(arena_printf(arena, "\"client\";r=%u;t=1", left))};
}

const struct middleware mw_rate = {
	.name = "rate", .on_admit = on_admit, .on_response = on_response};
