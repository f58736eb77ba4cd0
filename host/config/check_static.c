/* Where a route leads: to a plugin or to files, and which settings mean something there. Part of
 * check.c. */
#include "config/check.h"

#include "observe/errors.h"

static struct place place_of(struct filling *filling, size_t index, enum setting_id id)
{
	return element_place(filling, SECTION_ROUTES, index, id);
}

static bool is_written(const struct element *element, enum setting_id id)
{
	return element->lines[id] != 0;
}

static void refuse(struct filling *filling, size_t index, enum setting_id id, const char *why)
{
	problem_add(filling->errors, place_of(filling, index, id), ERR_CONFIG_CONFLICT, "%s", why);
}

/* Files have a name of their own. */
static bool ends_in_rest(const char *path)
{
	const char *last = strrchr(path, '/');

	return last && last[1] == '*';
}

static void check_files(struct filling *filling, size_t index)
{
	const struct element *element = &filling->elements[SECTION_ROUTES][index];
	const char *path = filling->config->edge.routes[index].path;

	if (is_written(element, SETTING_ROUTES_PLUGIN))
		refuse(filling, index, SETTING_ROUTES_PLUGIN,
		       "a route leads to a plugin or to files; leave plugin or static out");
	if (path && !ends_in_rest(path))
		refuse(filling, index, SETTING_ROUTES_PATH,
		       "leads to files, whose names have no place in it; let it end in *name, such "
		       "as "
		       "/assets/*file");
	if (is_written(element, SETTING_ROUTES_RPC))
		refuse(filling, index, SETTING_ROUTES_RPC, "is a plugin's; leave it out");
	if (is_written(element, SETTING_ROUTES_TIMEOUT))
		refuse(filling, index, SETTING_ROUTES_TIMEOUT, "is for calls; leave it out");
}

/* False: it was no map, and has been refused. */
static bool has_settings(const struct element *element)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (element->lines[i])
			return true;
	}
	return false;
}

/* Settings of files, without files. */
static void check_orphans(struct filling *filling, size_t index)
{
	const struct element *element = &filling->elements[SECTION_ROUTES][index];

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (settings[i].section == SECTION_ROUTE_STATIC && element->lines[i])
			refuse(filling, index, (enum setting_id)i,
			       "is of no files; add directory beside it, or leave it out");
	}
	if (has_settings(element) && !is_written(element, SETTING_ROUTES_PLUGIN))
		problem_add(filling->errors,
			    (struct place){filling->file, element->line,
					   arena_printf(&filling->scratch, "routes[%zu]", index)},
			    ERR_CONFIG_MISSING,
			    "plugin is missing; name who answers, such as plugin: users, or the "
			    "directory of files that do, such as static: /srv/www");
}

void check_static(struct filling *filling)
{
	for (size_t i = 0; i < filling->config->edge.route_count; i++) {
		const struct element *element = &filling->elements[SECTION_ROUTES][i];

		if (is_written(element, SETTING_ROUTE_STATIC_DIRECTORY))
			check_files(filling, i);
		else
			check_orphans(filling, i);
	}
}
