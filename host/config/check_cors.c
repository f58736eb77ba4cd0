/* What can only be said of the settings of a CORS policy together. Part of check.c. */
#include "config/check.h"

#include "observe/errors.h"

/* The rows of one policy, of the edge or of a route. */
static const enum setting_id of_edge[] = {SETTING_HTTP_CORS_METHODS, SETTING_HTTP_CORS_HEADERS,
					  SETTING_HTTP_CORS_EXPOSE, SETTING_HTTP_CORS_CREDENTIALS,
					  SETTING_HTTP_CORS_MAX_AGE};
static const enum setting_id of_route[] = {
	SETTING_ROUTE_CORS_METHODS, SETTING_ROUTE_CORS_HEADERS, SETTING_ROUTE_CORS_EXPOSE,
	SETTING_ROUTE_CORS_CREDENTIALS, SETTING_ROUTE_CORS_MAX_AGE};

static bool has_star(char *const *texts)
{
	for (size_t i = 0; texts && texts[i]; i++) {
		if (strcmp(texts[i], "*") == 0)
			return true;
	}
	return false;
}

/* Where a row of the policy is set; `index`: of the route, SIZE_MAX: the edge's. */
static struct place place_of(struct filling *filling, size_t index, enum setting_id id)
{
	char *name = arena_alloc(&filling->scratch, SETTING_NAME);

	if (index != SIZE_MAX)
		return element_place(filling, SECTION_ROUTES, index, id);
	return (struct place){filling->file, filling->single.lines[id],
			      setting_path(&settings[id], name)};
}

static void check_policy(struct filling *filling, const struct cors_opts *opts, size_t index)
{
	bool is_route = index != SIZE_MAX;
	const enum setting_id *rows = is_route ? of_route : of_edge;
	const struct element *element =
		is_route ? &filling->elements[SECTION_ROUTES][index] : &filling->single;
	enum setting_id origins = is_route ? SETTING_ROUTE_CORS_ORIGINS : SETTING_HTTP_CORS_ORIGINS;

	for (size_t i = 0; !opts->origins && element->lines[origins] == 0 &&
			   i < sizeof(of_edge) / sizeof(of_edge[0]);
	     i++) {
		if (element->lines[rows[i]])
			problem_add(filling->errors, place_of(filling, index, rows[i]),
				    ERR_CONFIG_CONFLICT,
				    "is of no policy; add origins beside it, or leave it out");
	}
	if (opts->credentials && has_star(opts->origins))
		problem_add(
			filling->errors, place_of(filling, index, origins), ERR_CONFIG_CONFLICT,
			"* with credentials: true would let every page act as its visitor; list "
			"the origins, or leave credentials out");
	if (opts->credentials && has_star(opts->expose))
		problem_add(filling->errors, place_of(filling, index, rows[2]), ERR_CONFIG_CONFLICT,
			    "* means nothing to browsers with credentials: true; list the headers");
}

void check_cors(struct filling *filling)
{
	const struct edge_opts *edge = &filling->config->edge;

	check_policy(filling, &edge->cors, SIZE_MAX);
	for (size_t i = 0; i < edge->route_count; i++)
		check_policy(filling, &edge->routes[i].cors, i);
}
