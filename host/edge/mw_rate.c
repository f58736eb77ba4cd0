/* How much one client may ask: the route's limit, else the edge's. Where clients are told apart by
 * who they are, who shows something to say so is counted when that is known, and who shows nothing
 * before, by address. Who asks for more gets 429 and is told when to come back. Refused requests
 * take nothing from the bucket, so who keeps on asking is let through as often as one who waits. */
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

/* The field of that name, in any case. */
static const struct http_field *find_field(const struct http_request *request, const char *name)
{
	for (size_t i = 0; name && i < request->field_count; i++) {
		if (str_eq_nocase(request->fields[i].name, str_from(name)))
			return &request->fields[i];
	}
	return NULL;
}

static bool is_by_principal(const struct exchange *exchange)
{
	const char *by = exchange->routes->from.opts->rate_by;

	return by && strcmp(by, RATE_BY_PRINCIPAL) == 0;
}

/* Two tenants may each have somebody of that name. */
static bool take_token_of(struct exchange *exchange, const struct principal *principal,
			  uint64_t salt, struct tokens_rate rate, int64_t *wait_ms_out)
{
	struct str tenant = principal->tenant;
	size_t len = principal->subject.len + 1 + tenant.len;
	char *name = arena_alloc(exchange->request->arena, len);

	memcpy(name, principal->subject.data, principal->subject.len);
	name[principal->subject.len] = '\0';
	if (tenant.len > 0)
		memcpy(name + len - tenant.len, tenant.data, tenant.len);
	return clients_take(exchange->edge->clients, name, len, salt ^ PRINCIPAL_SALT, rate,
			    loop_now_us(exchange->edge->loop), wait_ms_out);
}

static bool take_token(struct exchange *exchange, uint64_t salt, struct tokens_rate rate,
		       int64_t *wait_ms_out)
{
	struct edge *edge = exchange->edge;
	const struct http_field *field =
		find_field(exchange->request, header_of(exchange->routes->from.opts));
	struct ip client = ip_client(&exchange->client);
	int64_t now_us = loop_now_us(edge->loop);

	if (exchange->auth.principal && is_by_principal(exchange))
		return take_token_of(exchange, exchange->auth.principal, salt, rate, wait_ms_out);
	if (field)
		return clients_take(edge->clients, field->value.data, field->value.len, ~salt, rate,
				    now_us, wait_ms_out);
	return clients_take(edge->clients, &client, sizeof(client), salt, rate, now_us,
			    wait_ms_out);
}

static bool count(struct exchange *exchange, struct exchange_error *error)
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

static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	exchange->auth.owes_rate = is_by_principal(exchange) && identity_is_shown(exchange);
	return exchange->auth.owes_rate || count(exchange, error);
}

static bool on_admit_known(struct exchange *exchange, struct exchange_error *error)
{
	return !exchange->auth.owes_rate || count(exchange, error);
}

const struct middleware mw_rate = {.name = "rate", .on_admit = on_admit};
const struct middleware mw_rate_principal = {.name = "rate", .on_admit = on_admit_known};
