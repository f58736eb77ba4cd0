/* Routes that lead to a plugin: over the raw HTTP service, or to a method of its own.
 *
 * What the plugin offers is looked up when a request comes, and kept until some plugin tells
 * something else. A plugin that has never told is waited for, or another one stands in. */
#include <errno.h>
#include <string.h>

#include "edge/bridge.h"
#include "edge/edge_internal.h"
#include "edge/stand_in.h"
#include "proto/wire_http.h"

/* ---- the route ---- */

static bool is_of(const struct route_opts *opts)
{
	return opts->plugin != NULL;
}

static const char *check(const struct route_opts *opts)
{
	struct arena scratch = {0};
	struct template template;
	const char *fault;

	if (!opts->routing.rewrite)
		return NULL;
	if (opts->rpc)
		return "is of raw HTTP, but the route has rpc, whose method sees no path; leave "
		       "one of them out";
	fault = lead_parse(opts, TEMPLATE_PATH, opts->routing.rewrite, &scratch, &template);
	arena_deinit(&scratch);
	return fault;
}

static struct target *find_target(const struct edge_routes_opts *from, const char *plugin)
{
	for (size_t i = 0; i < from->target_count; i++) {
		if (strcmp(from->targets[i]->plugin->name, plugin) == 0)
			return from->targets[i];
	}
	return NULL;
}

static int take_rewrite(struct edge_routes *routes, const struct route_opts *opts,
			struct edge_route *route, struct err *err)
{
	const char *fault;

	route->leads.rewrites = opts->routing.rewrite != NULL;
	if (!route->leads.rewrites)
		return 0;
	fault = lead_parse(opts, TEMPLATE_PATH, opts->routing.rewrite, &routes->arena,
			   &route->leads.to);
	return fault ? lead_refuse(opts, fault, err) : 0;
}

static int take(struct edge_routes *routes, const struct route_opts *opts, struct edge_route *route,
		struct err *err)
{
	struct str rpc = str_from(opts->rpc);
	const char *slash = opts->rpc ? memrchr(rpc.data, '/', rpc.len) : NULL;

	route->target = find_target(&routes->from, opts->plugin);
	route->bridge = opts->rpc ? &bridge_rpc : &bridge_http;
	route->service = STR_LITERAL(WIRE_HTTP_SERVICE);
	route->method = STR_LITERAL(WIRE_HTTP_METHOD);
	if (!route->target)
		return lead_refuse(opts, "its plugin is not configured", err);
	if (opts->rpc && !slash)
		return lead_refuse(opts, "rpc must be \"service/method\"", err);
	if (slash) {
		route->service = (struct str){rpc.data, (size_t)(slash - rpc.data)};
		route->method = str_from(slash + 1);
	}
	return take_rewrite(routes, opts, route, err);
}

/* ---- a request ---- */

void edge_lead(struct exchange *exchange, int r, const struct service_method *found,
	       const struct err *err)
{
	if (r == 0) {
		exchange_set_method(exchange, found);
		bridge_begin(exchange);
	} else if (r != -EAGAIN) {
		exchange_fail_outcome(exchange, OUTCOME_UNIMPLEMENTED, str_from(err->text), 0);
	} else if (!hold_begin(exchange)) {
		stand_in_or_fail(exchange, OUTCOME_PLUGIN_NOT_READY, (struct str){NULL, 0});
	}
}

static void begin(struct exchange *exchange)
{
	struct edge_route *route = (struct edge_route *)exchange->route;
	struct err err;
	int r = routes_resolve(exchange->edge->registry, route, &err);

	exchange->target = route->target;
	exchange->bridge = route->bridge;
	exchange->service = route->service;
	exchange->method_name = route->method;
	edge_lead(exchange, r, &route->found, &err);
}

struct str lead_path(const struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	const struct route_lead *leads = &exchange->route->leads;

	if (!leads->rewrites)
		return request->path;
	return template_expand(&leads->to, &(struct template_facts){.params = exchange->params},
			       request->arena);
}

const struct lead lead_plugin = {
	.name = "plugin", .is_of = is_of, .check = check, .take = take, .begin = begin};
