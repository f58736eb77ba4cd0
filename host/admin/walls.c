/* The command that explains a sandbox. It reads the cage of the generation that serves and what its
 * last process reported of it; it decides nothing. */
#include "admin/walls.h"

#include <string.h>

#include "base/member.h"
#include "observe/errors.h"
#include "plugin/pool.h"

/* In words, what there is to say of a wall beyond its name; "" when there is nothing. */
static void put_detail(json_t *row, const struct cage *cage, enum wall wall)
{
	json_t *list;

	if (wall == WALL_USER) {
		member_int(row, "uid", cage->uid);
		member_int(row, "gid", cage->gid);
	} else if (wall == WALL_PATHS) {
		list = json_array();
		for (size_t i = 0; i < cage->rule_count; i++) {
			const struct cage_rule *rule = &cage->rules[i];

			json_array_append_new(
				list,
				json_sprintf("%s%s%s %s", rule->access & CAGE_READ ? "r" : "",
					     rule->access & CAGE_WRITE ? "w" : "",
					     rule->access & CAGE_EXECUTE ? "x" : "", rule->path));
		}
		json_object_set_new(row, "allowed", list);
	} else if (wall == WALL_PORTS) {
		list = json_array();
		for (size_t i = 0; i < cage->port_count; i++)
			json_array_append_new(list,
					      json_sprintf("%s %u",
							   cage->ports[i].bind ? "bind" : "connect",
							   cage->ports[i].port));
		json_object_set_new(row, "allowed", list);
	} else if (cage->limits[wall] > 0) {
		member_int(row, "limit", (int64_t)cage->limits[wall]);
	}
}

/* "not asked", "enforced", "missing", or "unknown": no process has been started yet. */
static const char *state_of(const struct cage *cage, const struct cage_report *report,
			    enum wall wall)
{
	if (!(cage->asked & WALL_BIT(wall)))
		return "not asked";
	if (report->enforced & WALL_BIT(wall))
		return "enforced";
	return report->errnums[wall] != 0 ? "missing" : "unknown";
}

static json_t *wall_json(const struct cage *cage, const struct cage_report *report, enum wall wall)
{
	json_t *row = json_object();
	const char *state = state_of(cage, report, wall);

	member_text(row, "wall", wall_name(wall));
	member_text(row, "means", wall_text(wall));
	member_text(row, "state", state);
	if (strcmp(state, "missing") == 0)
		member_text(row, "why", strerror(report->errnums[wall]));
	if (cage->asked & WALL_BIT(wall))
		put_detail(row, cage, wall);
	return row;
}

struct answered walls_explain(struct office *office, const json_t *args, struct reply *reply)
{
	static const char *const profiles[] = {"none", "standard", "strict"};
	const char *name = json_string_value(json_object_get(args, "plugin"));
	const struct target *target = office_find_target(office, name);
	const struct cage *cage = target && target->pool ? pool_cage(target->pool) : NULL;
	json_t *result;
	json_t *list;
	struct err err;

	if (!target) {
		err_set(&err, ERR_CONFIG_REFERENCE, "no plugin is configured as \"%.100s\"", name);
		return reply_fail(reply, &err);
	}
	if (!cage) {
		err_set(&err, ERR_PLUGIN_GONE, "plugin '%s' has not been started", name);
		return reply_fail(reply, &err);
	}
	result = json_object();
	list = json_array();
	member_text(result, "plugin", name);
	member_text(result, "profile", profiles[target->plugin->sandbox.profile]);
	json_object_set_new(result, "required", json_boolean(cage->required));
	for (enum wall wall = 0; wall < WALL_COUNT; wall++)
		json_array_append_new(list, wall_json(cage, pool_cage_report(target->pool), wall));
	json_object_set_new(result, "walls", list);
	return reply_ok(reply, result);
}
