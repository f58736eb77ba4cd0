/* Routes that send the client elsewhere (RFC 9110, 15.4). No plugin has a part in it. Where it
 * leads is the operator's text with pieces of the request in it; template.h says why these can't
 * lead to another host, nor end the header. */
#include "edge/edge_internal.h"
#include "edge/router_host.h"

static bool is_of(const struct route_opts *opts)
{
	return opts->routing.redirect.to != NULL;
}

static const char *check(const struct route_opts *opts)
{
	struct arena scratch = {0};
	struct template template;
	const char *fault =
		lead_parse(opts, TEMPLATE_LOCATION, opts->routing.redirect.to, &scratch, &template);

	arena_deinit(&scratch);
	return fault;
}

static int take(struct edge_routes *routes, const struct route_opts *opts, struct edge_route *route,
		struct err *err)
{
	static const unsigned statuses[REDIRECT_STATUSES] = {
		[REDIRECT_307] = 307, [REDIRECT_301] = 301, [REDIRECT_302] = 302,
		[REDIRECT_303] = 303, [REDIRECT_308] = 308,
	};
	const struct redirect_opts *redirect = &opts->routing.redirect;
	const char *fault =
		lead_parse(opts, TEMPLATE_LOCATION, redirect->to, &routes->arena, &route->leads.to);

	if (fault)
		return lead_refuse(opts, fault, err);
	route->leads.status = statuses[redirect->status];
	route->leads.keeps_query = redirect->query == REDIRECT_KEEPS_QUERY;
	return 0;
}

static struct str location_of(const struct exchange *exchange, struct str host)
{
	const struct http_request *request = exchange->request;
	const struct route_lead *leads = &exchange->route->leads;
	struct template_facts facts = {request->scheme, host, request->path, exchange->params};
	struct str location = template_expand(&leads->to, &facts, request->arena);

	if (!leads->keeps_query || request->query.len == 0)
		return location;
	return str_from(arena_printf(request->arena, "%.*s%s%.*s", STR_ARG(location),
				     leads->to.has_query ? "&" : "?", STR_ARG(request->query)));
}

static void begin(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	char name[ROUTER_HOST_BYTES];
	struct str host = host_of_authority(request->authority, name);
	struct http_field field = {STR_LITERAL("location"), {NULL, 0}};

	/* "https:///evil.example/x" would be read as that host. */
	if (exchange->route->leads.to.wants_host && host.len == 0) {
		exchange_fail(exchange,
			      &(struct exchange_error){
				      .status = 400,
				      .code = "BAD_REQUEST",
				      .message = STR_LITERAL("The request names no host")});
		return;
	}
	field.value = location_of(exchange, host);
	exchange_respond(exchange,
			 &(struct http_response){.status = exchange->route->leads.status,
						 .fields = &field,
						 .field_count = 1},
			 (struct wire_bytes){NULL, 0}, true);
}

const struct lead lead_redirect = {
	.name = "redirect", .is_of = is_of, .check = check, .take = take, .begin = begin};
