/* What is different between two configurations.
 *
 * Plugins are the same when they have the same name, wherever they stand in the file; a route when
 * it takes the same requests. The order of either means nothing, and is no difference. */
#include "config/diff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/print.h"

/* Of a value; a longer one ends in "…". */
#define VALUE_BYTES_MAX 400

static void add(struct diff *diff, struct change change)
{
	if (diff->count == diff->room) {
		diff->room = diff->room ? 2 * diff->room : 16;
		diff->changes = mem_realloc(diff->changes, diff->room * sizeof(struct change));
	}
	diff->changes[diff->count++] = change;
}

/* Takes the text. */
static const char *keep(struct diff *diff, struct buf *text)
{
	struct str all = {(const char *)buf_front(text), buf_len(text)};
	const char *kept;

	if (all.len > VALUE_BYTES_MAX)
		kept = arena_printf(&diff->arena, "%.*s…", VALUE_BYTES_MAX, all.data);
	else
		kept = arena_strndup(&diff->arena, all);
	buf_deinit(text);
	return kept;
}

static const char *print(struct diff *diff, const struct setting *setting, const void *target)
{
	struct buf text = {0};

	return value_print(setting, target, &text) ? keep(diff, &text) : NULL;
}

/* ---- settings ---- */

/* Of the structs `a` and `b`, in which the fields of this section are; `path` as a prefix. */
static void compare_section(struct diff *diff, enum section_id id, const void *a, const void *b,
			    const char *path, const char *plugin)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];

		if (setting->section != id || value_equal(setting, a, b))
			continue;
		add(diff, (struct change){
				  .apply = setting->apply,
				  .plugin = plugin,
				  .setting = arena_printf(&diff->arena, "%s%s", path, setting->key),
				  .before = print(diff, setting, a),
				  .after = print(diff, setting, b),
			  });
	}
}

/* As a prefix: "http.rate_limit."; "" for the top level. */
static const char *section_path(struct diff *diff, enum section_id id)
{
	if (id == SECTION_TOP)
		return "";
	return arena_printf(&diff->arena, "%s%s.", section_path(diff, sections[id].parent),
			    sections[id].key);
}

static void compare_single(struct diff *diff, const struct config *before,
			   const struct config *after)
{
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		if (section_is_single((enum section_id)id))
			compare_section(diff, (enum section_id)id, before, after,
					section_path(diff, (enum section_id)id), NULL);
	}
}

/* ---- plugins ---- */

/* NULL: it has no plugin of this name. */
static const struct plugin_opts *find_plugin(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->plugin_count; i++) {
		if (strcmp(config->plugins[i].name, name) == 0)
			return &config->plugins[i];
	}
	return NULL;
}

static bool is_of_plugins(enum section_id id)
{
	return id == SECTION_PLUGINS || sections[id].parent == SECTION_PLUGINS;
}

static void compare_plugin(struct diff *diff, const struct plugin_opts *before,
			   const struct plugin_opts *after)
{
	const char *name = arena_strndup(&diff->arena, str_from(after->name));

	for (size_t id = 0; id < SECTION_COUNT; id++) {
		const char *path = id == SECTION_PLUGINS
					   ? arena_printf(&diff->arena, "plugins[%s].", name)
					   : arena_printf(&diff->arena, "plugins[%s].%s.", name,
							  sections[id].key);

		if (is_of_plugins((enum section_id)id))
			compare_section(diff, (enum section_id)id, before, after, path, name);
	}
}

static void add_plugin(struct diff *diff, const struct plugin_opts *before,
		       const struct plugin_opts *after)
{
	const char *name = before ? before->name : after->name;
	const struct setting *executable = &settings[SETTING_PLUGINS_EXECUTABLE];

	assert(name); /* required: a configuration without it was refused */
	add(diff, (struct change){
			  .apply = APPLY_PLUGIN,
			  .plugin = arena_strndup(&diff->arena, str_from(name)),
			  .setting = arena_printf(&diff->arena, "plugins[%s]", name),
			  .before = before ? print(diff, executable, before) : NULL,
			  .after = after ? print(diff, executable, after) : NULL,
		  });
}

static void compare_plugins(struct diff *diff, const struct config *before,
			    const struct config *after)
{
	for (size_t i = 0; i < before->plugin_count; i++) {
		if (!find_plugin(after, before->plugins[i].name))
			add_plugin(diff, &before->plugins[i], NULL);
	}
	for (size_t i = 0; i < after->plugin_count; i++) {
		const struct plugin_opts *plugin = &after->plugins[i];
		const struct plugin_opts *old = find_plugin(before, plugin->name);

		if (old)
			compare_plugin(diff, old, plugin);
		else
			add_plugin(diff, NULL, plugin);
	}
}

/* ---- lists whose items have no name ---- */

/* "{certificate: a.pem, key: a.key}"; NULL: there is none at that place. */
static const char *print_element(struct diff *diff, const struct config *config, enum section_id id,
				 size_t index)
{
	const struct section *section = &sections[id];
	struct buf text = {0};
	const char *array;
	size_t count;

	memcpy(&array, (const char *)config + section->array, sizeof(array));
	memcpy(&count, (const char *)config + section->count, sizeof(count));
	if (index >= count)
		return NULL;
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		size_t before = buf_len(&text);

		if (settings[i].section != id)
			continue;
		buf_printf(&text, "%s%s: ", before > 0 ? ", " : "{", settings[i].key);
		if (!value_print(&settings[i], array + index * section->element_bytes, &text))
			text.end = text.start + before;
	}
	buf_append_str(&text, STR_LITERAL("}"));
	return keep(diff, &text);
}

/* By their place, which says who comes first. */
static void compare_elements(struct diff *diff, enum section_id id, const struct config *before,
			     const struct config *after)
{
	const char *old, *new;

	for (size_t i = 0;; i++) {
		old = print_element(diff, before, id, i);
		new = print_element(diff, after, id, i);
		if (!old && !new)
			return;
		if (!old || !new || strcmp(old, new) != 0)
			add(diff,
			    (struct change){
				    .apply = APPLY_LIVE,
				    .setting = arena_printf(&diff->arena, "%s%s[%zu]",
							    section_path(diff, sections[id].parent),
							    sections[id].key, i),
				    .before = old,
				    .after = new,
			    });
	}
}

static void compare_lists(struct diff *diff, const struct config *before,
			  const struct config *after)
{
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		if (sections[id].list && id != SECTION_ROUTES && id != SECTION_PLUGINS)
			compare_elements(diff, (enum section_id)id, before, after);
	}
}

/* ---- routes ---- */

struct named_route {
	const char
		*name; /* "GET, HEAD https://a.example /users/:id"; what is not said is left out */
	const char *leads; /* the rest of its settings */
};

static void put_list(char *const *texts, const char *between, const char *behind, struct buf *out)
{
	for (size_t i = 0; texts && texts[i]; i++)
		buf_printf(out, "%s%s", i > 0 ? between : "", texts[i]);
	buf_append_str(out, str_from(texts ? behind : ""));
}

static const char *route_name(struct diff *diff, const struct route_opts *route)
{
	static const char *const schemes[ROUTER_SCHEMES] = {
		[ROUTER_ANY_SCHEME] = "", [ROUTER_HTTP] = "http://", [ROUTER_HTTPS] = "https://"};
	struct buf name = {0};

	put_list(route->methods, ", ", " ", &name);
	buf_append_str(&name, str_from(schemes[route->routing.scheme]));
	put_list(route->routing.hosts, ",", " ", &name);
	buf_append_str(&name, str_from(route->path));
	return keep(diff, &name);
}

static bool is_in_name(const struct setting *setting)
{
	return setting == &settings[SETTING_ROUTES_PATH] ||
	       setting == &settings[SETTING_ROUTES_METHODS] ||
	       setting == &settings[SETTING_ROUTES_HOSTS] ||
	       setting == &settings[SETTING_ROUTES_SCHEME];
}

static bool is_unset(const struct setting *setting, const struct route_opts *route)
{
	static const struct route_opts none;

	return value_equal(setting, route, &none);
}

static bool is_of_routes(enum section_id id)
{
	return section_list(id) == SECTION_ROUTES;
}

/* "{plugin: users, timeout: 5s, rate_limit.burst: 5}" */
static const char *route_leads(struct diff *diff, const struct route_opts *route)
{
	struct buf text = {0};

	buf_append_str(&text, STR_LITERAL("{"));
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];

		if (!is_of_routes(setting->section) || is_in_name(setting) ||
		    is_unset(setting, route))
			continue;
		buf_printf(&text, "%s%s%s%s: ", buf_len(&text) > 1 ? ", " : "",
			   setting->section == SECTION_ROUTES ? "" : sections[setting->section].key,
			   setting->section == SECTION_ROUTES ? "" : ".", setting->key);
		value_print(setting, route, &text);
	}
	if (route->routing.rate_group)
		buf_append_str(&text, STR_LITERAL(", rate_limit of all in the group"));
	buf_append_str(&text, STR_LITERAL("}"));
	return keep(diff, &text);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named_route *)a)->name, ((const struct named_route *)b)->name);
}

/* Sorted by name. Returns owned. */
static struct named_route *name_routes(struct diff *diff, const struct edge_opts *edge)
{
	struct named_route *routes = mem_array(edge->route_count + 1, sizeof(*routes));

	for (size_t i = 0; i < edge->route_count; i++) {
		routes[i].name = route_name(diff, &edge->routes[i]);
		routes[i].leads = route_leads(diff, &edge->routes[i]);
	}
	qsort(routes, edge->route_count, sizeof(*routes), compare_names);
	return routes;
}

static void add_route(struct diff *diff, const char *name, const char *before, const char *after)
{
	if (before && after && strcmp(before, after) == 0)
		return;
	add(diff, (struct change){.apply = APPLY_LIVE,
				  .setting = arena_printf(&diff->arena, "routes[%s]", name),
				  .before = before,
				  .after = after});
}

static void compare_routes(struct diff *diff, const struct edge_opts *before,
			   const struct edge_opts *after)
{
	struct named_route *old = name_routes(diff, before);
	struct named_route *new = name_routes(diff, after);
	size_t i = 0, j = 0;

	while (i < before->route_count || j < after->route_count) {
		int order = i == before->route_count  ? 1
			    : j == after->route_count ? -1
						      : compare_names(&old[i], &new[j]);

		add_route(diff, order <= 0 ? old[i].name : new[j].name,
			  order <= 0 ? old[i].leads : NULL, order >= 0 ? new[j].leads : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	free(old);
	free(new);
}

/* ---- all of it ---- */

void diff_init(struct diff *diff, const struct config *before, const struct config *after)
{
	*diff = (struct diff){0};
	compare_single(diff, before, after);
	compare_lists(diff, before, after);
	compare_plugins(diff, before, after);
	compare_routes(diff, &before->edge, &after->edge);
}

void diff_deinit(struct diff *diff)
{
	free(diff->changes);
	arena_deinit(&diff->arena);
	*diff = (struct diff){0};
}

unsigned diff_of_plugin(const struct diff *diff, const char *plugin)
{
	unsigned bits = 0;

	for (size_t i = 0; i < diff->count; i++) {
		const struct change *change = &diff->changes[i];

		if (change->plugin && strcmp(change->plugin, plugin) == 0)
			bits |= 1u << change->apply;
	}
	return bits;
}

void plugin_opts_take(struct plugin_opts *into, const struct plugin_opts *from, unsigned bits)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];

		if (!is_of_plugins(setting->section) || !(bits & 1u << setting->apply))
			continue;
		memcpy((char *)into + setting->offset, (const char *)from + setting->offset,
		       setting->bytes);
		if (setting->kind == SETTING_FREE)
			memcpy((char *)into + setting->length, (const char *)from + setting->length,
			       sizeof(size_t));
	}
}
