/* The units of one configuration, in its order. */
#include "roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/edge.h"

struct roster *roster_new(struct plan *plan)
{
	struct roster *roster = mem_new(struct roster);
	size_t room = plan->config.plugin_count + 1;

	roster->plan = plan_hold(plan);
	roster->units = mem_array(room, sizeof(struct unit *));
	roster->targets = mem_array(room, sizeof(struct target *));
	roster->stand_ins = mem_array(room, sizeof(struct target *));
	roster->holders = 1;
	return roster;
}

void roster_add(struct roster *roster, struct unit *unit)
{
	assert(roster->count < roster->plan->config.plugin_count);
	unit_hold(unit);
	roster->units[roster->count] = unit;
	roster->targets[roster->count++] = unit_target(unit);
}

void roster_complete(struct roster *roster)
{
	const struct plugin_opts *plugins = roster->plan->config.plugins;

	assert(roster->count == roster->plan->config.plugin_count);
	for (size_t i = 0; i < roster->count; i++) {
		const char *name = plugin_stand_in(&plugins[i]);

		if (name)
			roster->stand_ins[i] = unit_target(roster_find(roster, name));
	}
}

void roster_release(struct roster *roster)
{
	if (!roster || --roster->holders > 0)
		return;
	for (size_t i = 0; i < roster->count; i++)
		unit_release(roster->units[i]);
	plan_release(roster->plan);
	free(roster->stand_ins);
	free(roster->targets);
	free(roster->units);
	free(roster);
}

struct unit *roster_find(const struct roster *roster, const char *plugin)
{
	for (size_t i = 0; i < roster->count; i++) {
		if (strcmp(unit_name(roster->units[i]), plugin) == 0)
			return roster->units[i];
	}
	return NULL;
}

struct unit *roster_unit_of(const struct roster *roster, const struct target *target)
{
	for (size_t i = 0; i < roster->count; i++) {
		if (roster->targets[i] == target)
			return roster->units[i];
	}
	return NULL;
}

static void on_routes_gone(void *user)
{
	roster_release(user);
}

struct edge_routes *roster_routes(struct roster *roster, struct identity *identity, struct err *err)
{
	struct edge_routes *routes =
		edge_routes_new(&(struct edge_routes_opts){.opts = &roster->plan->config.edge,
							   .targets = roster->targets,
							   .stand_ins = roster->stand_ins,
							   .target_count = roster->count,
							   .identity = identity,
							   .on_gone = on_routes_gone,
							   .user = roster},
				err);

	if (routes)
		roster->holders++;
	return routes;
}
