/* Who may come in at all, by address: the lists of the edge and those of the route. Who is denied
 * by either, or not allowed by one that allows somebody, gets 403. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "observe/errors.h"

static bool guests_let_in(const struct guests *guests, const struct ip *client)
{
	if (cidr_list_has(&guests->deny, client))
		return false;
	return guests->allow.count == 0 || cidr_list_has(&guests->allow, client);
}

static bool on_admit(struct exchange *exchange, struct exchange_error *error)
{
	const struct edge_route *route = exchange->route;

	if (guests_let_in(&exchange->routes->guests, exchange->request->ip) &&
	    (!route || guests_let_in(&route->guests, exchange->request->ip)))
		return true;
	return exchange_refuse(error, 403, ERR_ADDRESS_FORBIDDEN,
			       STR_LITERAL("Clients of your address may not come here"));
}

const struct middleware mw_lists = {.name = "lists", .on_admit = on_admit};
