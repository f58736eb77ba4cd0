/* What can only be said of the settings of routes together. Part of check.c. */
#include "config/check.h"

#include <stdio.h>

#include "config/groups.h"
#include "edge/lead.h"
#include "edge/router.h"
#include "edge/router_pattern.h"
#include "observe/errors.h"

static struct place route_place(struct filling *filling, size_t index, enum setting_id setting)
{
	return element_place(filling, SECTION_ROUTES, index, setting);
}

/* ---- where it leads ---- */

/* Leads with which setting their check is about, and the section that is theirs alone. */
static const struct {
	const struct lead *lead;
	enum setting_id judged;
	enum section_id section; /* SECTION_TOP: none */
	const char *lost;	 /* what is said of its settings without it */
} parts[] = {
	{&lead_plugin, SETTING_ROUTES_REWRITE, SECTION_TOP, NULL},
	{&lead_static, SETTING_ROUTES_PATH, SECTION_ROUTE_STATIC,
	 "is of no files; add static.directory, or leave it out"},
	{&lead_redirect, SETTING_REDIRECT_TO, SECTION_REDIRECT,
	 "is of no redirect; add redirect.to, or leave it out"},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static enum setting_id judged_by(const struct lead *lead)
{
	size_t i = 0;

	while (parts[i].lead != lead)
		i++;
	return parts[i].judged;
}

/* NULL: the setting is not another lead's. */
static const char *lost_without(const struct lead *lead, enum setting_id id)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].lost && parts[i].lead != lead &&
		    settings[id].section == parts[i].section)
			return parts[i].lost;
	}
	return NULL;
}

/* A key that is not known may have said where it leads. */
static bool has_unknown(const struct element *element)
{
	bool found = element->refused_sections[SECTION_ROUTES];

	for (size_t i = 0; i < PARTS; i++)
		found = found || element->refused_sections[parts[i].section];
	return found;
}

/* What is said about a lead, the group that says it, or all of the route was refused before. */
static bool is_refused(const struct filling *filling, size_t index)
{
	const struct element *element = &filling->elements[SECTION_ROUTES][index];
	const unsigned *lines = element->lines;
	const struct route_opts *route = &filling->config->edge.routes[index];
	const char *value;
	bool is_empty = true;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		is_empty = is_empty && !lines[i];
		if (!settings[i].lead || !lines[i])
			continue;
		memcpy(&value, (const char *)route + settings[i].offset, sizeof(value));
		if (!value)
			return true;
	}
	return is_empty || has_unknown(element) ||
	       (lines[SETTING_ROUTES_GROUP] && !route->routing.group);
}

/* Settings that nobody would look at. */
static void check_needless(struct filling *filling, size_t index, const struct lead *lead)
{
	const unsigned *lines = filling->elements[SECTION_ROUTES][index].lines;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		enum setting_id id = (enum setting_id)i;
		const char *lost;

		if (!lines[i])
			continue;
		if (lead != &lead_plugin && setting_needs_plugin(id))
			problem_add(filling->errors, route_place(filling, index, id),
				    ERR_CONFIG_CONFLICT,
				    "is for plugins, but the route has %s; leave it out",
				    lead->name);
		if ((lost = lost_without(lead, id)))
			problem_add(filling->errors, route_place(filling, index, id),
				    ERR_CONFIG_CONFLICT, "%s", lost);
	}
}

static void check_lead(struct filling *filling, size_t index)
{
	const struct route_opts *route = &filling->config->edge.routes[index];
	const struct lead *lead;
	const char *fault;
	struct err err;

	if (is_refused(filling, index))
		return;
	lead = lead_find(route, &err);
	if (!lead) {
		problem_add(filling->errors, route_place(filling, index, SETTING_ROUTES_PATH),
			    err.code, "%s", err.text);
		return;
	}
	check_needless(filling, index, lead);
	fault = lead->check ? lead->check(route) : NULL;
	if (fault)
		problem_add(filling->errors, route_place(filling, index, judged_by(lead)),
			    ERR_CONFIG_RANGE, "%s", fault);
}

/* ---- which requests it takes ---- */

/* Without the "line 12: " that the place says already. */
static const char *skip_line(const char *text, int line)
{
	char prefix[32];
	int len = snprintf(prefix, sizeof(prefix), "line %d: ", line);

	return strncmp(text, prefix, (size_t)len) == 0 ? text + len : text;
}

/* All that says which requests it takes is there. */
static bool is_complete(const struct filling *filling, size_t index)
{
	const struct route_opts *route = &filling->config->edge.routes[index];
	const unsigned *lines = filling->elements[SECTION_ROUTES][index].lines;

	return route->path && (route->methods || !lines[SETTING_ROUTES_METHODS]) &&
	       (route->routing.hosts || !lines[SETTING_ROUTES_HOSTS]);
}

/* The router knows which patterns are good, and which two of them take the same requests. */
static void check_pattern(struct filling *filling, struct router *router, size_t index)
{
	const struct route_opts *route = &filling->config->edge.routes[index];
	struct place place = route_place(filling, index, SETTING_ROUTES_PATH);
	struct router_rule rule = {.pattern = route->path,
				   .methods = (const char *const *)route->methods,
				   .hosts = (const char *const *)route->routing.hosts,
				   .scheme = route->routing.scheme,
				   .line = route->line};
	struct err err;

	if (pattern_is_reserved(str_from(route->path)))
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "/health and /rpc belong to plugd itself; choose another path");
	else if (router_add(router, &rule, &err) < 0)
		problem_add(filling->errors, place, err.code, "%s",
			    skip_line(err.text, route->line));
}

/* ---- the rest ---- */

/* A burst of nothing. */
static void check_rate(struct filling *filling, size_t index)
{
	const struct tokens_rate *rate = &filling->config->edge.routes[index].rate;
	const unsigned *lines = filling->elements[SECTION_ROUTES][index].lines;

	if (rate->burst == 0 || rate->per_second > 0 || lines[SETTING_ROUTE_RATE_PER_SECOND])
		return;
	problem_add(filling->errors, route_place(filling, index, SETTING_ROUTE_RATE_BURST),
		    ERR_CONFIG_CONFLICT,
		    "is of no limit; add per_second beside it, or leave it out");
}

void check_routes(struct filling *filling)
{
	struct edge_opts *edge = &filling->config->edge;
	struct router *router = router_new();

	for (size_t i = 0; i < edge->route_count; i++) {
		edge->routes[i].line = (int)filling->elements[SECTION_ROUTES][i].line;
		check_lead(filling, i);
		check_rate(filling, i);
		if (is_complete(filling, i))
			check_pattern(filling, router, i);
	}
	router_free(router);
}
