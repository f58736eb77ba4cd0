/* How much one client may ask: the route's limit, else the edge's. Where clients are told apart by
 * who they are, who shows something to say so is counted when that is known, and who shows nothing
 * before, by address; so is who shows something wrong. Who asks for more gets 429 and is told when
 * to come back. Refused requests take nothing from the bucket, so who keeps on asking is let
 * through as often as one who waits. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "observe/errors.h"

static const char by_header[] = RATE_BY_HEADER;

/* Tells principals from addresses. */
#define PRINCIPAL_SALT UINT64_C(0x7072696e63697061)

/* The name that `by: header NAME` gives; NULL: clients are told apart by address. */
static const char *header_of(const struct edge_opts *opts)
{
	size_t len = sizeof(by_header) - 1;

	return opts->rate_by && strncmp(opts->rate_by, by_header, len) == 0 ? opts->rate_by + len
									    : NULL;
}

/* Whose bucket it is, under which limit. */
struct bucket {
	const void *name;
	size_t len;
	uint64_t salt;
	struct tokens_rate rate;
	struct ip client;
};

static bool is_by_principal(const struct exchange *exchange)
{
	const char *by = exchange->routes->from.opts->rate_by;

	return by && strcmp(by, RATE_BY_PRINCIPAL) == 0;
}

/* Two tenants may each have somebody of that name. */
static void name_principal(struct arena *arena, const struct principal *principal,
			   struct bucket *bucket)
{
	struct str tenant = principal->tenant;
	size_t len = principal->subject.len + 1 + tenant.len;
	char *name = arena_alloc(arena, len);

	memcpy(name, principal->subject.data, principal->subject.len);
	name[principal->subject.len] = '\0';
	if (tenant.len > 0)
		memcpy(name + len - tenant.len, tenant.data, tenant.len);
	bucket->name = name;
	bucket->len = len;
	bucket->salt ^= PRINCIPAL_SALT;
}

static void name_client(const struct exchange *exchange, struct bucket *bucket)
{
	const struct http_request *request = exchange->request;
	const char *header = header_of(exchange->routes->from.opts);
	const struct http_field *field =
		header ? http_field_find_nocase(request->fields, request->field_count,
						str_from(header))
		       : NULL;

	bucket->client = ip_client(request->ip);
	bucket->name = field ? (const void *)field->value.data : &bucket->client;
	bucket->len = field ? field->value.len : sizeof(bucket->client);
	if (field)
		bucket->salt = ~bucket->salt;
}

static void find_bucket(const struct exchange *exchange, struct bucket *bucket)
{
	const struct edge_route *route = exchange->route;
	bool has_own = route && route->rate.per_second > 0;

	bucket->rate = has_own ? route->rate : exchange->routes->from.opts->rate;
	bucket->salt = has_own ? route->rate_salt : 0;
	if (exchange->auth.principal && is_by_principal(exchange))
		name_principal(exchange->request->arena, exchange->auth.principal, bucket);
	else
		name_client(exchange, bucket);
}

/* What it is named by may be taken out of the request later. */
static void keep_bucket(struct exchange *exchange, const struct bucket *bucket)
{
	struct bucket *kept = arena_alloc(exchange->request->arena, sizeof(*kept));

	*kept = *bucket;
	if (bucket->name == &bucket->client)
		kept->name = &kept->client;
	exchange->bucket = kept;
}

static bool count(struct exchange *exchange, struct exchange_error *error)
{
	struct edge *edge = exchange->edge;
	struct bucket bucket;
	int64_t wait_ms;

	find_bucket(exchange, &bucket);
	if (bucket.rate.per_second == 0)
		return true;
	if (exchange->routes->from.opts->rate_headers)
		keep_bucket(exchange, &bucket);
	if (clients_take(edge->clients, bucket.name, bucket.len, bucket.salt, bucket.rate,
			 loop_now_us(edge->loop), &wait_ms))
		return true;
	exchange_refuse(error, 429, ERR_CLIENT_RATE,
			STR_LITERAL("You ask more often than you may; come back later"));
	error->retry_after_ms = wait_ms < UINT32_MAX / 2 ? (uint32_t)wait_ms : UINT32_MAX / 2;
	return false;
}

static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	exchange->auth.owes_rate = is_by_principal(exchange) && identity_is_shown(exchange);
	return exchange->auth.owes_rate || count(exchange, error);
}

bool rate_settle(struct exchange *exchange, struct exchange_error *error)
{
	bool owes = exchange->auth.owes_rate;

	exchange->auth.owes_rate = false;
	return !owes || count(exchange, error);
}

/* draft-ietf-httpapi-ratelimit-headers: q requests in w seconds, and r of them left. A bucket that
 * is not full gets at least one more each second, so r is all that there is for no longer (t). */
static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	struct edge *edge = exchange->edge;
	struct arena *arena = exchange->request->arena;
	const struct bucket *bucket = exchange->bucket;
	uint32_t left, window_s;

	if (!bucket)
		return;
	left = clients_left(edge->clients, bucket->name, bucket->len, bucket->salt, bucket->rate,
			    loop_now_us(edge->loop));
	window_s = (bucket->rate.burst + bucket->rate.per_second - 1) / bucket->rate.per_second;
	fields[(*count)++] =
		(struct http_field){STR_LITERAL("ratelimit-policy"),
				    str_from(arena_printf(arena, "\"client\";q=%u;w=%u",
							  bucket->rate.burst, window_s))};
	fields[(*count)++] = (struct http_field){
		STR_LITERAL("ratelimit"),
		str_from(arena_printf(arena, "\"client\";r=%u;t=1", left)), true};
}

const struct middleware mw_rate = {
	.name = "rate", .on_admit = on_admit, .on_response = on_response};
const struct middleware mw_rate_principal = {.name = "rate", .on_admit = rate_settle};
