/* The routes and options of one configuration.
 *
 * Owns the router and the routes; borrows the options and targets from whoever made it, and tells
 * when that may go. Called by edge.c, and by the composition root before a reload: what can't be
 * routed is refused there, and nothing has changed. */
#include "edge/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "edge/router_pattern.h"

static uint64_t salt_with(uint64_t salt, const char *text)
{
	static const struct siphash_key key = {{0, 0}};

	return salt * 31 + siphash(&key, text, strlen(text));
}

static uint64_t salt_with_all(uint64_t salt, char *const *texts)
{
	for (size_t i = 0; texts && texts[i]; i++)
		salt = salt_with(salt, texts[i]);
	return salt;
}

/* The same limit of the same route has the same clients after a reload; that of a group has the
 * clients of all its routes. No path is equal to "group". */
static uint64_t salt_of(const struct route_opts *opts)
{
	const struct routing_opts *routing = &opts->routing;
	uint64_t salt;

	if (routing->rate_group)
		return salt_with(salt_with(0, "group"), routing->rate_group);
	salt = salt_with_all(salt_with(0, opts->path), opts->methods);
	return salt_with_all(salt, routing->hosts) + routing->scheme;
}

/* How important it is, and its own places. */
static void place_route(const struct door_opts *edge, const struct route_load_opts *opts,
			struct edge_route *route)
{
	static const enum priority priorities[] = {
		[WORD_NORMAL] = PRIORITY_NORMAL,
		[WORD_CRITICAL] = PRIORITY_CRITICAL,
		[WORD_HIGH] = PRIORITY_HIGH,
		[WORD_LOW] = PRIORITY_LOW,
	};
	struct door_opts door = opts->door;

	route->priority = priorities[opts->priority];
	if (door.limit == 0)
		return;
	if (door.queue == 0)
		door.queue = edge->queue;
	if (door.queue_timeout_ms == 0)
		door.queue_timeout_ms = edge->queue_timeout_ms;
	route->door = mem_new(struct door);
	door_init(route->door, &door);
}

static void protect_route(const struct edge_routes *routes, const struct route_opts *opts,
			  struct edge_route *route)
{
	const struct edge_opts *edge = routes->from.opts;

	route->auth = auth_rule_of(&routes->auth, &opts->auth);
	route->cors = opts->cors.origins ? &opts->cors : &edge->cors;
	cidr_list_init(&route->guests.allow, opts->allow);
	cidr_list_init(&route->guests.deny, opts->deny);
	place_route(&edge->load.door, &opts->load, route);
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
	struct err why;

	*route = (struct edge_route){
		.pattern = str_from(opts->path),
		.body_bytes = opts->body_bytes,
		.timeout_ms = opts->timeout_ms,
		.counts = &routes->counts[route - routes->routes],
	};
	if (pattern_is_reserved(route->pattern))
		return lead_refuse(opts, "/health and /rpc belong to plugd itself", err);
	route->leads.lead = lead_find(opts, &why);
	if (!route->leads.lead)
		return lead_refuse(opts, why.text, err);
	if (route->leads.lead->take(routes, opts, route, err) < 0)
		return -EINVAL;
	return router_add(routes->router,
			  &(struct router_rule){
				  .pattern = opts->path,
				  .methods = (const char *const *)opts->methods,
				  .hosts = (const char *const *)opts->routing.hosts,
				  .scheme = opts->routing.scheme,
				  .id = (unsigned)(route - routes->routes),
				  .line = opts->line,
			  },
			  err);
}

static int take_routes(struct edge_routes *routes, struct err *err)
{
	const struct edge_opts *opts = routes->from.opts;

	for (size_t i = 0; i < opts->route_count; i++) {
		int r;

		routes->route_count++; /* whatever it has taken by then is given up with it */
		r = take_route(routes, &opts->routes[i], &routes->routes[i], err);
		if (r < 0)
			return r;
		protect_route(routes, &opts->routes[i], &routes->routes[i]);
	}
	return 0;
}

static void close_files(struct edge_route *route)
{
	if (!route->files)
		return;
	static_root_close(route->files);
	free(route->files);
}

int edge_check_files(const struct edge_opts *opts, struct err *err)
{
	for (size_t i = 0; i < opts->route_count; i++) {
		struct edge_route route = {0};
		int r = 0;

		if (lead_static.is_of(&opts->routes[i]))
			r = lead_static.take(NULL, &opts->routes[i], &route, err);
		if (r < 0)
			return r;
		close_files(&route);
	}
	return 0;
}

static void routes_free(struct edge_routes *routes)
{
	for (size_t i = 0; i < routes->route_count; i++) {
		cidr_list_deinit(&routes->routes[i].guests.allow);
		cidr_list_deinit(&routes->routes[i].guests.deny);
		if (routes->routes[i].door)
			door_deinit(routes->routes[i].door);
		free(routes->routes[i].door);
		close_files(&routes->routes[i]);
	}
	auth_rules_deinit(&routes->auth);
	cidr_list_deinit(&routes->trusted);
	cidr_list_deinit(&routes->guests.allow);
	cidr_list_deinit(&routes->guests.deny);
	router_free(routes->router);
	free(routes->routes);
	free(routes->counts);
	arena_deinit(&routes->arena);
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
	if (auth_rules_init(&routes->auth, &from->opts->auth, &from->opts->identity, from->identity,
			    err) == 0 &&
	    take_routes(routes, err) == 0)
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
