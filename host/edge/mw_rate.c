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

static bool take_token(struct exchange *exchange, uint64_t salt, struct tokens_rate rate,
		       int64_t *wait_ms_out)
{
	struct edge *edge = exchange->edge;
	const struct http_field *field =
		find_field(exchange->request, header_of(exchange->routes->from.opts));
	struct ip client = ip_client(&exchange->client);
	int64_t now_us = loop_now_us(edge->loop);

	if (field)
		return clients_take(edge->clients, field->value.data, field->value.len, ~salt, rate,
				    now_us, wait_ms_out);
	return clients_take(edge->clients, &client, sizeof(client), salt, rate, now_us,
			    wait_ms_out);
}

static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	const struct edge_route *route = exchange->route;
	bool has_own = route && route->rate.per_second > 0;
	struct tokens_rate rate = has_own ? route->rate : exchange->routes->from.opts->rate;
	int64_t wait_ms;

	if (rate.per_second == 0 ||
	    take_token(exchange, has_own ? route->rate_salt : 0, rate, &wait_ms))
		return true;
	*error = (struct exchange_error){
		.status = 429,
		.code = error_find(ERR_CLIENT_RATE)->name,
		.message = STR_LITERAL("You ask more often than you may; come back later"),
		.retry_after_ms = wait_ms < UINT32_MAX / 2 ? (uint32_t)wait_ms : UINT32_MAX / 2};
	return false;
}

const struct middleware mw_rate = {.name = "rate", .on_admit = on_admit};
