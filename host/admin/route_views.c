/* The routes as an operator sees them: which requests each takes, where it leads, and whether what
 * it leads to is there. Owns nothing, changes nothing. Called by the commands. */
#include "admin/route_views.h"

#include <string.h>

#include "admin/matching.h"
#include "base/member.h"
#include "observe/errors.h"
#include "proto/wire_http.h"

static struct str before_slash(const char *rpc)
{
	return (struct str){rpc, strcspn(rpc, "/")};
}

/* 0, or *why says what a request to this route would meet. */
static int resolve_route(const struct office *office, const struct route_opts *route,
			 struct err *why)
{
	struct str service = STR_LITERAL(WIRE_HTTP_SERVICE);
	struct str method = STR_LITERAL(WIRE_HTTP_METHOD);
	struct service_method found;
	struct target *target;

	if (!route->plugin)
		return 0;
	target = office_find_target(office, route->plugin);
	if (!target || !target->plugin->enabled)
		return err_set(why, ERR_PLUGIN_UNAVAILABLE, "the plugin %s is not enabled",
			       route->plugin);
	if (route->rpc) {
		service = before_slash(route->rpc);
		method = str_from(route->rpc + service.len + (route->rpc[service.len] == '/'));
	}
	return registry_find_in(office->registry, target, service, method, &found, why);
}

static json_t *route_json(const struct office *office, const struct route_opts *route)
{
	json_t *object = json_object();
	struct err why = {0};
	bool is_resolved = resolve_route(office, route, &why) == 0;

	matching_route_facts(object, route);
	member_bool(object, "resolved", is_resolved);
	member_text(object, "why_not", is_resolved ? NULL : why.text);
	return object;
}

json_t *view_routes(const struct office *office)
{
	json_t *list = json_array();

	for (size_t i = 0; i < office->edge->route_count; i++)
		json_array_append_new(list, route_json(office, &office->edge->routes[i]));
	return list;
}
