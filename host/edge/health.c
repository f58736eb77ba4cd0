/* How the host is, for load balancers and whoever watches it: the same pages on the clients' door
 * and on the operator's. Looks at the plugins of the routes in force; owns nothing. */
#include <jansson.h>

#include "base/mem.h"
#include "edge/edge_internal.h"
#include "observe/errors.h"

static bool serves(const struct target *target)
{
	return target->pool && pool_is_available(target->pool);
}

/* Ready means: every enabled plugin has an instance that serves, or may sleep, and nobody has told
 * us to stop. */
bool edge_is_ready(const struct edge *edge)
{
	const struct edge_routes_opts *from = &edge->routes->from;

	for (size_t i = 0; i < from->target_count; i++) {
		if (from->targets[i]->plugin->enabled && !serves(from->targets[i]))
			return false;
	}
	return !edge->draining;
}

static const char *readiness(const struct target *target)
{
	const struct pool *pool = target->pool;
	const struct err *down = pool ? pool_down_reason(pool) : NULL;

	if (pool && pool_is_asleep(pool))
		return "asleep";
	if (pool && pool_ready_count(pool) > 0)
		return pool_healthy_count(pool) > 0 ? "ready" : "degraded";
	if (down)
		return down->code == ERR_PLUGIN_CRASH_LOOP ? "failed" : "ended";
	return serves(target) ? "starting" : "not ready";
}

static json_t *show_live(const struct edge *edge, unsigned *status_out)
{
	return json_pack("{s:s}", "status", "live");
}

static json_t *show_ready(const struct edge *edge, unsigned *status_out)
{
	const struct edge_routes_opts *from = &edge->routes->from;
	bool ready = edge_is_ready(edge);
	json_t *plugins = json_object();
	const char *status = ready ? "ready" : "not ready";

	for (size_t i = 0; i < from->target_count; i++) {
		const struct target *target = from->targets[i];

		if (target->plugin->enabled)
			json_object_set_new(plugins, target->plugin->name,
					    json_string(readiness(target)));
	}
	*status_out = ready ? 200 : 503;
	return json_pack("{s:s, s:o}", "status", edge->draining ? "draining" : status, "plugins",
			 plugins);
}

static json_t *show_build(const struct edge *edge, unsigned *status_out)
{
	return json_pack("{s:s, s:s, s:i}", "name", "plugd", "version", edge->version, "protocol",
			 1);
}

static const struct {
	const char *path;
	json_t *(*show)(const struct edge *edge, unsigned *status_out);
} pages[] = {
	{"/health/live", show_live},
	{"/health/ready", show_ready},
	{"/health/build", show_build},
};

char *edge_health(const struct edge *edge, struct str path, unsigned *status_out)
{
	char *text = NULL;
	json_t *json;

	for (size_t i = 0; !text && i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!str_eq(path, str_from(pages[i].path)))
			continue;
		*status_out = 200;
		json = pages[i].show(edge, status_out);
		text = json_dumps(json, JSON_COMPACT);
		json_decref(json);
		if (!text)
			mem_die();
	}
	return text;
}
