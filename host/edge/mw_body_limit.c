/* The limit of a request's body, where it is announced. */
#include "edge/mw.h"

#include "edge/edge_internal.h"

static bool on_route(struct exchange *exchange, struct exchange_error *error)
{
	const struct edge_route *route = exchange->route;

	exchange->body_limit = route && route->body_bytes ? route->body_bytes
							  : exchange->routes->from.opts->body_bytes;
	if (exchange->request->content_length <= exchange->body_limit)
		return true;
	*error = edge_error_too_large;
	return false;
}

const struct middleware mw_body_limit = {.name = "body_limit", .on_route = on_route};
