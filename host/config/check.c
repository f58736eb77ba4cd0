/* Checks across settings, each a function of its own. A value that is NULL here was refused before,
 * and is not spoken of again. */
#include "config/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "net/endpoint.h"
#include "observe/errors.h"

/* "identity.jwt.issuers[3].", for the element of the list that the section is, or stands in. */
static const char *section_prefix(struct filling *filling, enum section_id id, size_t index)
{
	const struct section *section = &sections[id];
	const char *parent;

	if (id == SECTION_TOP)
		return "";
	parent = section_prefix(filling, section->parent, index);
	return section->list
		       ? arena_printf(&filling->scratch, "%s%s[%zu].", parent, section->key, index)
		       : arena_printf(&filling->scratch, "%s%s.", parent, section->key);
}

struct place element_place(struct filling *filling, enum section_id section, size_t index,
			   enum setting_id setting)
{
	const struct element *element = &filling->elements[section][index];
	unsigned line = element->lines[setting] ? element->lines[setting] : element->line;
	const char *prefix = section_prefix(filling, settings[setting].section, index);

	return (struct place){
		filling->file, line,
		arena_printf(&filling->scratch, "%s%s", prefix, settings[setting].key)};
}

static struct place place_in(struct filling *filling, enum section_id section, size_t index,
			     enum setting_id id)
{
	if (section != SECTION_TOP)
		return element_place(filling, section, index, id);
	return (struct place){
		filling->file, filling->single.lines[id],
		setting_path(&settings[id], arena_alloc(&filling->scratch, SETTING_NAME))};
}

void check_order(struct filling *filling, enum section_id section, size_t index,
		 const struct order *order)
{
	const struct element *element =
		section == SECTION_TOP ? &filling->single : &filling->elements[section][index];
	const struct setting *low = &settings[order->low], *high = &settings[order->high];

	if (order->low_value <= order->high_value || element->refused[order->low] ||
	    element->refused[order->high])
		return;
	if (!element->lines[order->low])
		problem_add(
			filling->errors, place_in(filling, section, index, order->high),
			ERR_CONFIG_CONFLICT,
			"is shorter than %s, which is %s without being set; write a longer one, "
			"or a shorter %s",
			low->key, low->fallback, low->key);
	else if (!element->lines[order->high])
		problem_add(
			filling->errors, place_in(filling, section, index, order->low),
			ERR_CONFIG_CONFLICT,
			"is longer than %s, which is %s without being set; write a shorter one, "
			"or a longer %s",
			high->key, high->fallback, high->key);
	else
		problem_add(filling->errors, place_in(filling, section, index, order->low),
			    ERR_CONFIG_CONFLICT, "is longer than %s; write a shorter one",
			    high->key);
}

/* ---- plugins ---- */

static int plugin_compare(const void *a, const void *b)
{
	const struct plugin_opts *left = *(const struct plugin_opts *const *)a;
	const struct plugin_opts *right = *(const struct plugin_opts *const *)b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : (left > right) - (left < right);
}

/* Those that have a name, sorted by it. Returns owned. */
static const struct plugin_opts **plugins_sort(const struct config *config, size_t *count_out)
{
	const struct plugin_opts **sorted =
		mem_array(config->plugin_count + 1, sizeof(const struct plugin_opts *));
	size_t count = 0;

	for (size_t i = 0; i < config->plugin_count; i++) {
		if (config->plugins[i].name)
			sorted[count++] = &config->plugins[i];
	}
	qsort(sorted, count, sizeof(const struct plugin_opts *), plugin_compare);
	*count_out = count;
	return sorted;
}

static void check_plugin_names(struct filling *filling, const struct plugin_opts **sorted,
			       size_t count)
{
	for (size_t i = 1; i < count; i++) {
		size_t index = (size_t)(sorted[i] - filling->config->plugins);
		size_t before = (size_t)(sorted[i - 1] - filling->config->plugins);

		if (strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			continue;
		problem_add(filling->errors,
			    element_place(filling, SECTION_PLUGINS, index, SETTING_PLUGINS_NAME),
			    ERR_CONFIG_DUPLICATE,
			    "\"%s\" is also the name of the plugin in line %u; choose another",
			    sorted[i]->name,
			    filling->elements[SECTION_PLUGINS][before].lines[SETTING_PLUGINS_NAME]);
	}
}

static void check_pipe_size(struct filling *filling)
{
	for (size_t i = 0; i < filling->config->plugin_count; i++) {
		const struct element *element = &filling->elements[SECTION_PLUGINS][i];

		if (filling->config->plugins[i].transport != PLUGIN_SOCKETPAIR ||
		    element->lines[SETTING_PLUGINS_PIPE_SIZE] == 0)
			continue;
		problem_add(filling->errors,
			    element_place(filling, SECTION_PLUGINS, i, SETTING_PLUGINS_PIPE_SIZE),
			    ERR_CONFIG_CONFLICT,
			    "there are no pipes with transport: socketpair (line %u); leave it out",
			    element->lines[SETTING_PLUGINS_TRANSPORT]);
	}
}

/* Without a whitelist nothing may run. */
static void check_whitelist(struct filling *filling)
{
	const struct config *config = filling->config;
	struct place place = {filling->file, 0, "whitelist.file"};

	for (size_t i = 0; i < config->plugin_count && !config->trust.whitelist_file; i++) {
		if (!config->plugins[i].enabled ||
		    filling->single.lines[SETTING_WHITELIST_FILE] != 0)
			continue;
		problem_add(filling->errors, place, ERR_CONFIG_MISSING,
			    "is missing, but only what is in a whitelist may run; add it, such as "
			    "whitelist: {file: whitelist.yaml}");
		return;
	}
}

/* A signature that nobody can make. */
static void check_signature(struct filling *filling)
{
	const struct trust_opts *trust = &filling->config->trust;
	unsigned line = filling->single.lines[SETTING_WHITELIST_REQUIRE_SIGNATURE];
	struct place place = {filling->file, line, "whitelist.require_signature"};

	if (trust->require_signature && !(trust->public_keys && trust->public_keys[0]) &&
	    !filling->single.refused[SETTING_WHITELIST_PUBLIC_KEYS])
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "needs whitelist.public_keys, or every whitelist is refused; plugctl "
			    "whitelist keygen makes a key");
}

/* A group alone would leave the rights of the user that was to be left behind. */
static void check_process(struct filling *filling)
{
	const struct privilege_opts *process = &filling->config->process;
	struct place place = {filling->file, filling->single.lines[SETTING_PROCESS_GROUP],
			      "process.group"};

	if (process->group && !process->user && !filling->single.refused[SETTING_PROCESS_USER])
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "means nothing without process.user; name the user too");
}

/* What anybody may read who reaches it is for this machine alone, unless that is wanted. */
static void check_admin_http(struct filling *filling)
{
	const struct admin_opts *admin = &filling->config->admin;
	struct place place = {filling->file, filling->single.lines[SETTING_ADMIN_HTTP],
			      "admin.http"};
	struct endpoint endpoint;

	if (!admin->http || endpoint_parse(str_from(admin->http), &endpoint, NULL) < 0)
		return;
	if (endpoint.is_tls || endpoint.is_proxied || endpoint.kind == ENDPOINT_INHERITED)
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "these pages are on an address or a Unix socket, without TLS and the "
			    "PROXY protocol; write http://, and let a route or a proxy carry them "
			    "further");
	if (admin->http_remote || endpoint.kind != ENDPOINT_ADDRESS ||
	    addr_is_loopback(&endpoint.addr))
		return;
	problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
		    "\"%s\" is reached from other machines, and whoever reaches it may read; write "
		    "127.0.0.1:%u, or add http_remote: true",
		    admin->http, addr_port(&endpoint.addr));
}

/* ---- names of plugins ---- */

static int name_compare(const void *key, const void *element)
{
	return strcmp(key, (*(const struct plugin_opts *const *)element)->name);
}

/* NULL: there is none. */
static const struct plugin_opts *find_plugin(const struct plugin_opts **sorted, size_t count,
					     const char *name)
{
	const struct plugin_opts **found =
		bsearch(name, sorted, count, sizeof(const struct plugin_opts *), name_compare);

	return found ? *found : NULL;
}

static void refuse_plugin(struct filling *filling, struct place place, const char *name)
{
	struct suggest suggest = suggest_for(str_from(name));

	if (element_has_refused(&filling->single, SETTING_PLUGINS_NAME))
		return;
	for (size_t i = 0; i < filling->config->plugin_count; i++) {
		if (!filling->config->plugins[i].name) /* it may be this one */
			return;
		suggest_offer(&suggest, filling->config->plugins[i].name);
	}
	problem_add(filling->errors, place, ERR_CONFIG_REFERENCE,
		    "there is no plugin named \"%s\"%s%s%s", name,
		    suggest.best ? "; did you mean " : "; add it to plugins",
		    suggest.best ? suggest.best : "", suggest.best ? "?" : "");
}

/* ---- stand-ins ---- */

/* The plugin at which a walk from one stand-in to the next comes back to `start`; NULL: it ends, or
 * goes round without it. */
static const struct plugin_opts *find_circle(const struct plugin_opts **sorted, size_t count,
					     const struct plugin_opts *start)
{
	const struct plugin_opts *plugin = start;

	for (size_t steps = 0; plugin && steps < count; steps++) {
		const char *name = plugin_stand_in(plugin);
		const struct plugin_opts *next = name ? find_plugin(sorted, count, name) : NULL;

		if (next == start)
			return plugin;
		plugin = next;
	}
	return NULL;
}

static void check_stand_in(struct filling *filling, const struct plugin_opts **sorted, size_t count,
			   const struct plugin_opts *plugin)
{
	struct place place =
		element_place(filling, SECTION_PLUGINS, (size_t)(plugin - filling->config->plugins),
			      SETTING_PLUGINS_ON_UNAVAILABLE);
	const char *name = plugin_stand_in(plugin);
	const struct plugin_opts *stand_in = find_plugin(sorted, count, name);
	const struct plugin_opts *last = find_circle(sorted, count, plugin);

	if (!stand_in)
		refuse_plugin(filling, place, name);
	else if (last == plugin)
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "a plugin can't stand in for itself; name another, or write fail");
	else if (last)
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "\"%s\" and \"%s\" stand in for each other in a circle; write fail "
			    "for one of them",
			    plugin->name, last->name);
	else if (!stand_in->enabled)
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "the plugin \"%s\" is disabled and can't stand in; enable it, or write "
			    "fail",
			    name);
}

static void check_stand_ins(struct filling *filling, const struct plugin_opts **sorted,
			    size_t count)
{
	for (size_t i = 0; i < filling->config->plugin_count; i++) {
		const struct plugin_opts *plugin = &filling->config->plugins[i];

		if (plugin->name && plugin_stand_in(plugin))
			check_stand_in(filling, sorted, count, plugin);
	}
}

/* ---- routes ---- */

static void check_route_plugins(struct filling *filling, const struct plugin_opts **sorted,
				size_t count)
{
	for (size_t i = 0; i < filling->config->edge.route_count; i++) {
		const char *plugin = filling->config->edge.routes[i].plugin;

		if (plugin && !find_plugin(sorted, count, plugin))
			refuse_plugin(
				filling,
				element_place(filling, SECTION_ROUTES, i, SETTING_ROUTES_PLUGIN),
				plugin);
	}
}

void check_all(struct filling *filling)
{
	size_t count;
	const struct plugin_opts **sorted = plugins_sort(filling->config, &count);

	check_plugin_names(filling, sorted, count);
	check_pipe_size(filling);
	check_tls(filling);
	check_sandboxes(filling);
	check_whitelist(filling);
	check_signature(filling);
	check_process(filling);
	check_admin_http(filling);
	check_stand_ins(filling, sorted, count);
	check_route_plugins(filling, sorted, count);
	check_routes(filling);
	check_concurrency(filling);
	check_cors(filling);
	check_identity(filling);
	check_compress(filling);
	free(sorted);
}
