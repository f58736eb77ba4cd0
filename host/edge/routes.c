/* The routes and options of one configuration.
 *
 * Owns the router and the routes; borrows the options and targets from whoever made it, and tells
 * when that may go. Called by edge.c, and by the composition root before a reload: what can't be
 * routed is refused there, and nothing has changed. */
#include "edge/routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "edge/bridge.h"
#include "edge/router_pattern.h"
#include "observe/errors.h"
#include "proto/wire_http.h"

static struct target *find_target(const struct edge_routes_opts *from, const char *plugin)
{
	for (size_t i = 0; i < from->target_count; i++) {
		if (strcmp(from->targets[i]->plugin->name, plugin) == 0)
			return from->targets[i];
	}
	return NULL;
}

static int refuse_route(const struct route_opts *opts, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG_CONFLICT, "route %s: %s", opts->path, why);
}

/* The same limit of the same route has the same clients after a reload. */
static uint64_t salt_of(const struct route_opts *opts)
{
	static const struct siphash_key key = {{0, 0}};
	uint64_t salt = siphash(&key, opts->path, strlen(opts->path));

	for (size_t i = 0; opts->methods && opts->methods[i]; i++)
		salt = salt * 31 + siphash(&key, opts->methods[i], strlen(opts->methods[i]));
	return salt;
}

static void protect_route(const struct edge_opts *edge, const struct route_opts *opts,
			  struct edge_route *route)
{
	route->cors = opts->cors.origins ? &opts->cors : &edge->cors;
	cidr_list_init(&route->guests.allow, opts->allow);
	cidr_list_init(&route->guests.deny, opts->deny);
	compress_policy_init(&route->compress, &edge->compress, &opts->coding.compress);
	route->decompress = opts->coding.decompress.enabled ? &opts->coding.decompress : NULL;
	route->rate = opts->rate;
	if (route->rate.burst == 0)
		route->rate.burst = route->rate.per_second;
	route->rate_salt = salt_of(opts);
}

static int take_route(struct edge_routes *routes, const struct route_opts *opts,
		      struct edge_route *route, struct err *err)
{
	struct str rpc = str_from(opts->rpc);
	const char *slash = opts->rpc ? memrchr(rpc.data, '/', rpc.len) : NULL;

	*route = (struct edge_route){
		.pattern = str_from(opts->path),
		.body_bytes = opts->body_bytes,
		.timeout_ms = opts->timeout_ms,
		.target = find_target(&routes->from, opts->plugin),
		.bridge = opts->rpc ? &bridge_rpc : &bridge_http,
		.service = STR_LITERAL(WIRE_HTTP_SERVICE),
		.method = STR_LITERAL(WIRE_HTTP_METHOD),
		.counts = &routes->counts[route - routes->routes],
	};
	if (!route->target)
		return refuse_route(opts, "its plugin is not configured", err);
	if (pattern_is_reserved(route->pattern))
		return refuse_route(opts, "/health and /rpc belong to plugd itself", err);
	if (opts->rpc && !slash)
		return refuse_route(opts, "rpc must be \"service/method\"", err);
	if (slash) {
		route->service = (struct str){rpc.data, (size_t)(slash - rpc.data)};
		route->method = str_from(slash + 1);
	}
	return router_add(routes->router,
			  &(struct router_rule){.pattern = opts->path,
						.methods = (const char *const *)opts->methods,
						.id = (unsigned)(route - routes->routes),
						.line = opts->line},
			  err);
}

static int take_routes(struct edge_routes *routes, struct err *err)
{
	const struct edge_opts *opts = routes->from.opts;

	for (size_t i = 0; i < opts->route_count; i++) {
		int r = take_route(routes, &opts->routes[i], &routes->routes[i], err);

		if (r < 0)
			return r;
		protect_route(opts, &opts->routes[i], &routes->routes[i]);
		routes->route_count++;
	}
	return 0;
}

static void routes_free(struct edge_routes *routes)
{
	for (size_t i = 0; i < routes->route_count; i++) {
		cidr_list_deinit(&routes->routes[i].guests.allow);
		cidr_list_deinit(&routes->routes[i].guests.deny);
	}
	cidr_list_deinit(&routes->trusted);
	cidr_list_deinit(&routes->guests.allow);
	cidr_list_deinit(&routes->guests.deny);
	router_free(routes->router);
	free(routes->routes);
	free(routes->counts);
	free(routes);
}

struct edge_routes *edge_routes_new(const struct edge_routes_opts *from, struct err *err)
{
	struct edge_routes *routes = mem_new(struct edge_routes);
	size_t count = from->opts->route_count;

	routes->from = *from;
	routes->holders = 1;
	routes->routes = mem_array(count ? count : 1, sizeof(*routes->routes));
	routes->counts = mem_array(count ? count : 1, sizeof(*routes->counts));
	routes->router = router_new();
	compress_policy_init(&routes->compress, &from->opts->compress, NULL);
	cidr_list_init(&routes->trusted, from->opts->trusted_proxies);
	cidr_list_init(&routes->guests.allow, from->opts->allow);
	cidr_list_init(&routes->guests.deny, from->opts->deny);
	if (take_routes(routes, err) == 0)
		return routes;
	routes_free(routes);
	return NULL;
}

void edge_routes_free(struct edge_routes *routes)
{
	routes_release(routes);
}

struct edge_routes *routes_hold(struct edge_routes *routes)
{
	routes->holders++;
	return routes;
}

void routes_release(struct edge_routes *routes)
{
	struct edge_routes_opts from;

	if (!routes || --routes->holders > 0)
		return;
	from = routes->from;
	routes_free(routes);
	if (from.on_gone)
		from.on_gone(from.user);
}

int routes_resolve(const struct registry *registry, struct edge_route *route, struct err *err)
{
	int r;

	if (route->found_version == registry_version(registry))
		return 0;
	r = registry_find_in(registry, route->target, route->service, route->method, &route->found,
			     err);
	if (r == 0)
		route->found_version = registry_version(registry);
	return r;
}

void edge_routes_check_drift(const struct edge_routes *routes, const struct target *target,
			     struct drift *drift)
{
	for (size_t i = 0; i < routes->route_count; i++) {
		const struct edge_route *route = &routes->routes[i];

		if (route->target == target || routes_stand_in(routes, route->target) == target)
			drift_check(drift, route->service, route->method);
	}
}

struct target *routes_stand_in(const struct edge_routes *routes, const struct target *target)
{
	const struct edge_routes_opts *from = &routes->from;

	for (size_t i = 0; from->stand_ins && i < from->target_count; i++) {
		if (from->targets[i] == target)
			return from->stand_ins[i];
	}
	return NULL;
}

struct target *routes_unheard(const struct edge_routes *routes, const struct registry *registry,
			      const struct target *stand_in)
{
	const struct edge_routes_opts *from = &routes->from;

	for (size_t i = 0; from->stand_ins && i < from->target_count; i++) {
		if (from->stand_ins[i] == stand_in && from->targets[i]->plugin->expose &&
		    !registry_has_told(registry, from->targets[i]))
			return from->targets[i];
	}
	return NULL;
}
