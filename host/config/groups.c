/* Groups of routes: settings that are written once.
 *
 * A route is then as if what its group sets stood in it; what it sets itself wins, setting by
 * setting. Which settings there are is in the table, so a new one of a route is a group's too.
 * Where a route says itself where it leads, nothing that its group says about that counts. Called
 * once for each load; what is wrong (two groups of one name, a group that there is not) joins the
 * other problems. */
#include "config/groups.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/check.h"
#include "config/suggest.h"
#include "observe/errors.h"

/* ---- finding a group ---- */

static int compare(const void *a, const void *b)
{
	const struct group_opts *left = *(const struct group_opts *const *)a;
	const struct group_opts *right = *(const struct group_opts *const *)b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : (left > right) - (left < right);
}

static int compare_name(const void *name, const void *group)
{
	return strcmp(name, (*(const struct group_opts *const *)group)->name);
}

/* Those that have a name, sorted by it. Returns owned. */
static const struct group_opts **groups_sort(const struct edge_opts *edge, size_t *count_out)
{
	const struct group_opts **sorted = mem_array(edge->group_count + 1, sizeof(*sorted));

	*count_out = 0;
	for (size_t i = 0; i < edge->group_count; i++) {
		if (edge->groups[i].name)
			sorted[(*count_out)++] = &edge->groups[i];
	}
	qsort(sorted, *count_out, sizeof(*sorted), compare);
	return sorted;
}

static void check_names(struct filling *filling, const struct group_opts **sorted, size_t count)
{
	const struct group_opts *groups = filling->config->edge.groups;
	const struct element *elements = filling->elements[SECTION_GROUPS];

	for (size_t i = 1; i < count; i++) {
		if (strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			continue;
		problem_add(filling->errors,
			    element_place(filling, SECTION_GROUPS, (size_t)(sorted[i] - groups),
					  SETTING_GROUPS_NAME),
			    ERR_CONFIG_DUPLICATE,
			    "\"%s\" is also the name of the group in line %u; choose another",
			    sorted[i]->name, elements[sorted[i - 1] - groups].line);
	}
}

static void refuse_group(struct filling *filling, size_t route, const char *name)
{
	const struct edge_opts *edge = &filling->config->edge;
	struct suggest suggest = suggest_for(str_from(name));

	if (element_has_refused(&filling->single, SETTING_GROUPS_NAME))
		return;
	for (size_t i = 0; i < edge->group_count; i++) {
		if (!edge->groups[i].name) /* it may be this one */
			return;
		suggest_offer(&suggest, edge->groups[i].name);
	}
	problem_add(filling->errors,
		    element_place(filling, SECTION_ROUTES, route, SETTING_ROUTES_GROUP),
		    ERR_CONFIG_REFERENCE, "there is no group named \"%s\"%s%s%s", name,
		    suggest.best ? "; did you mean " : "; add it to groups",
		    suggest.best ? suggest.best : "", suggest.best ? "?" : "");
}

/* ---- what a route gets ---- */

bool setting_needs_plugin(enum setting_id id)
{
	return id == SETTING_ROUTES_RPC || id == SETTING_ROUTES_REWRITE ||
	       id == SETTING_ROUTES_TIMEOUT || settings[id].section == SECTION_ROUTE_DECOMPRESS ||
	       settings[id].section == SECTION_ROUTE_CONCURRENCY;
}

static bool is_about_lead(const struct setting *setting)
{
	return setting->lead || sections[setting->section].lead;
}

static bool leads_itself(const struct element *route)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (settings[i].lead && route->lines[i])
			return true;
	}
	return false;
}

/* Of a route that says itself where it leads. */
static bool is_needless(const struct route_opts *route, enum setting_id id)
{
	return is_about_lead(&settings[id]) || (setting_needs_plugin(id) && !route->plugin);
}

static void copy_setting(const struct setting *setting, const struct route_opts *from,
			 struct route_opts *to)
{
	memcpy((char *)to + setting->offset, (const char *)from + setting->offset, setting->bytes);
	if (setting->kind == SETTING_FREE)
		memcpy((char *)to + setting->length, (const char *)from + setting->length,
		       sizeof(size_t));
}

static void inherit(const struct group_opts *group, const struct element *of_group,
		    struct route_opts *route, struct element *of_route)
{
	bool is_led = leads_itself(of_route);
	bool has_own_rate = of_route->lines[SETTING_ROUTE_RATE_PER_SECOND] ||
			    of_route->lines[SETTING_ROUTE_RATE_BURST];

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (section_list(settings[i].section) != SECTION_ROUTES || !of_group->lines[i] ||
		    of_route->lines[i] || (is_led && is_needless(route, (enum setting_id)i)))
			continue;
		copy_setting(&settings[i], &group->defaults, route);
		of_route->lines[i] = of_group->lines[i];
		of_route->refused[i] = of_group->refused[i];
	}
	if (of_group->refused_sections[SECTION_GROUPS])
		of_route->refused_sections[SECTION_ROUTES] = true;
	if (!has_own_rate && route->rate.per_second > 0)
		route->routing.rate_group = group->name;
}

static void refuse_path(struct filling *filling, size_t index, const char *prefix, const char *path)
{
	problem_add(filling->errors,
		    element_place(filling, SECTION_ROUTES, index, SETTING_ROUTES_PATH),
		    ERR_CONFIG_RANGE,
		    "\"%s\" would make \"%s%s\"; begin it with a slash, or write \"\" for the "
		    "prefix itself",
		    path, prefix, path);
}

/* A prefix that was refused makes a path that can't be judged. */
static void add_prefix(struct filling *filling, const struct group_opts *group,
		       const struct element *of_group, size_t index)
{
	struct route_opts *route = &filling->config->edge.routes[index];
	const char *path = route->path;

	if (!path || (!group->prefix && !of_group->lines[SETTING_GROUPS_PREFIX]))
		return;
	route->path = NULL;
	if (!group->prefix)
		return;
	if (path[0] == '\0' || path[0] == '/')
		route->path = arena_printf(&filling->config->arena, "%s%s", group->prefix, path);
	else
		refuse_path(filling, index, group->prefix, path);
}

void groups_apply(struct filling *filling)
{
	struct edge_opts *edge = &filling->config->edge;
	size_t count;
	const struct group_opts **sorted = groups_sort(edge, &count);

	check_names(filling, sorted, count);
	for (size_t i = 0; i < edge->route_count; i++) {
		struct route_opts *route = &edge->routes[i];
		const struct group_opts **found;
		const struct element *of_group;

		if (!route->routing.group)
			continue;
		found = bsearch(route->routing.group, sorted, count, sizeof(*sorted), compare_name);
		if (!found) {
			refuse_group(filling, i, route->routing.group);
			route->routing.group = NULL;
			route->path = NULL;
			continue;
		}
		of_group = &filling->elements[SECTION_GROUPS][*found - edge->groups];
		inherit(*found, of_group, route, &filling->elements[SECTION_ROUTES][i]);
		add_prefix(filling, *found, of_group, i);
	}
	free(sorted);
}
