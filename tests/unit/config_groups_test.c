/* Groups of routes, and where routes lead: what a route gets from its group, what it keeps of its
 * own, and what is refused with which words. */
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/diff.h"
#include "config/print.h"
#include "config/settings.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

#define PLUGINS                                                                                    \
	"whitelist: {file: w}\nplugins: [{name: a, executable: e}, {name: b, executable: e}]\n"

static void read_good(const char *yaml, struct config *out)
{
	struct config_errors errors = {0};

	if (config_parse(str_from(yaml), "f.yaml", "/dir", NULL, out, &errors) < 0)
		fail_msg("%s", errors.items[0].text);
	config_errors_free(&errors);
}

/* ---- what a route gets ---- */

static void put_key(const struct setting *setting, enum section_id id, struct buf *out)
{
	if (id == SECTION_ROUTES)
		return;
	put_key(setting, sections[id].parent, out);
	buf_printf(out, "%s: {", sections[id].key);
}

/* "cors: {origins: [https://a.example]}" as one line of a list's element. */
static void put_setting(const struct setting *setting, struct buf *out)
{
	buf_append_str(out, STR_LITERAL("  "));
	put_key(setting, setting->section, out);
	buf_printf(out, "%s: %s", setting->key,
		   setting->example ? setting->example : setting->fallback);
	for (enum section_id id = setting->section; id != SECTION_ROUTES; id = sections[id].parent)
		buf_append_str(out, STR_LITERAL("}"));
	buf_append_str(out, STR_LITERAL("\n"));
}

/* A quoted example, since braces in a map would end it. */
static bool needs_care(const struct setting *setting)
{
	return setting->example && strchr(setting->example, '{') && setting->kind == SETTING_STRING;
}

/* Whoever adds a setting to routes has given it to groups. */
static void every_setting_of_a_route_is_a_groups_too(void **state)
{
	static const struct route_opts none;
	unsigned count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		struct config_errors errors = {0};
		struct config config;
		struct buf yaml = {0};

		if (section_list(setting->section) != SECTION_ROUTES || setting->own ||
		    needs_care(setting))
			continue;
		buf_printf(&yaml, "groups:\n- name: g\n");
		put_setting(setting, &yaml);
		buf_printf(&yaml, "routes:\n- {path: /a, group: g}\n- path: /b\n");
		put_setting(setting, &yaml);
		/* Alone many make no sense, which is reported; they are there nevertheless. */
		config_parse((struct str){(const char *)buf_front(&yaml), buf_len(&yaml)}, "f.yaml",
			     "/dir", NULL, &config, &errors);
		assert_int_equal(config.edge.route_count, 2);
		if (value_equal(setting, &config.edge.routes[1], &none) ||
		    !value_equal(setting, &config.edge.routes[0], &config.edge.routes[1]))
			fail_msg("%s", setting->key);
		count++;
		buf_deinit(&yaml);
		config_errors_free(&errors);
		config_free(&config);
	}
	assert_true(count >= 15);
}

static void what_a_route_says_itself_wins_setting_by_setting(void **state)
{
	struct config config;
	const struct route_opts *routes;

	read_good(PLUGINS "groups:\n"
			  "- {name: api, prefix: /api/:v<int>, hosts: [a.example], method: GET,\n"
			  "   plugin: a, timeout: 5s, deny: [192.0.2.1],\n"
			  "   rate_limit: {per_second: 7}, cors: {origins: ['*'], max_age: 1h}}\n"
			  "routes:\n"
			  "- {path: /x, group: api}\n"
			  "- {path: '', group: api, plugin: b, host: b.example, methods: [PUT],\n"
			  "   timeout: 1s, deny: [], rate_limit: {burst: 9}, cors: {max_age: 2h}}\n"
			  "- {path: /free, plugin: a}\n",
		  &config);
	routes = config.edge.routes;
	assert_string_equal(routes[0].path, "/api/:v<int>/x");
	assert_string_equal(routes[0].routing.hosts[0], "a.example");
	assert_string_equal(routes[0].methods[0], "GET");
	assert_string_equal(routes[0].plugin, "a");
	assert_int_equal(routes[0].timeout_ms, 5000);
	assert_int_equal(routes[0].rate.per_second, 7);
	assert_string_equal(routes[0].routing.rate_group, "api");
	assert_string_equal(routes[1].path, "/api/:v<int>");
	assert_string_equal(routes[1].routing.hosts[0], "b.example");
	assert_string_equal(routes[1].methods[0], "PUT");
	assert_string_equal(routes[1].plugin, "b");
	assert_int_equal(routes[1].timeout_ms, 1000);
	assert_null(routes[1].deny[0]);
	assert_int_equal(routes[1].rate.per_second, 7);
	assert_int_equal(routes[1].rate.burst, 9);
	assert_null(routes[1].routing.rate_group); /* a bucket of its own */
	assert_string_equal(routes[1].cors.origins[0], "*");
	assert_int_equal(routes[1].cors.max_age_ms, 7200000);
	assert_string_equal(routes[2].path, "/free");
	assert_null(routes[2].routing.hosts);
	assert_int_equal(routes[2].timeout_ms, 0);
	config_free(&config);
}

static void a_route_that_says_where_it_leads_gets_nothing_of_its_groups_lead(void **state)
{
	struct config config;
	const struct route_opts *routes;

	read_good(PLUGINS
		  "routes:\n"
		  "- {path: /x, group: moved}\n"
		  "- {path: /y, group: moved, plugin: a}\n"
		  "- {path: /x, group: api, redirect: /z}\n"
		  "groups:\n"
		  "- {name: moved, redirect: {to: 'https://b.example{path}', status: 308}}\n"
		  "- {name: api, prefix: /api, plugin: a, timeout: 5s}\n",
		  &config);
	routes = config.edge.routes;
	assert_null(routes[0].plugin);
	assert_string_equal(routes[0].routing.redirect.to, "https://b.example{path}");
	assert_int_equal(routes[0].routing.redirect.status, REDIRECT_308);
	assert_string_equal(routes[1].plugin, "a");
	assert_null(routes[1].routing.redirect.to);
	assert_int_equal(routes[1].routing.redirect.status, REDIRECT_307);
	assert_null(routes[2].plugin);
	assert_string_equal(routes[2].routing.redirect.to, "/z");
	assert_int_equal(routes[2].timeout_ms, 0);
	config_free(&config);
}

/* ---- what is refused ---- */

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		const char *yaml; /* behind PLUGINS, which has two lines */
		unsigned line;
		int code;
		const char *says;
	} rows[] = {
		{"groups:\n- {prefix: /x}\n", 4, ERR_CONFIG_MISSING, "name is missing"},
		{"groups:\n- {name: g}\n- {name: g}\n", 5, ERR_CONFIG_DUPLICATE, "in line 4"},
		{"groups:\n- {name: g, path: /x}\n", 4, ERR_CONFIG_UNKNOWN_KEY,
		 "groups[0].path: is each one's own; write it in each of routes"},
		{"groups:\n- {name: g, rewrite: /x}\n", 4, ERR_CONFIG_UNKNOWN_KEY, "own"},
		{"groups:\n- {name: g, timout: 1s}\n", 4, ERR_CONFIG_UNKNOWN_KEY,
		 "did you mean timeout?"},
		{"groups:\n- {name: g, timeout: x}\n", 4, ERR_CONFIG_TYPE, "groups[0].timeout"},
		{"groups:\n- {name: g, cors: {origin: x}}\n", 4, ERR_CONFIG_UNKNOWN_KEY,
		 "did you mean origins?"},
		{"groups:\n- {name: g, prefix: x/}\nroutes:\n- {path: /, group: g, plugin: a}\n", 4,
		 ERR_CONFIG_TYPE, "can't stand in front of a path"},
		{"groups:\n- {name: g, prefix: '/*x'}\nroutes:\n- {path: /, group: g, plugin: a}\n",
		 6, ERR_CONFIG_RANGE, "goes on after"},
		{"groups:\n- {name: g, prefix: /api}\nroutes:\n- {path: x, group: g, plugin: a}\n",
		 6, ERR_CONFIG_RANGE,
		 "routes[0].path: \"x\" would make \"/apix\"; begin it with a slash"},
		{"groups:\n- {name: good}\nroutes:\n- {path: /, group: god}\n", 6,
		 ERR_CONFIG_REFERENCE, "did you mean good?"},
		{"groups:\n- {name: g, plugin: none}\nroutes:\n- {path: /, group: g}\n", 4,
		 ERR_CONFIG_REFERENCE, "routes[0].plugin: there is no plugin named \"none\""},
		{"groups:\n- {name: g, cors: {max_age: 1h}}\nroutes:\n- {path: /, group: g, "
		 "plugin: "
		 "a}\n",
		 4, ERR_CONFIG_CONFLICT, "is of no policy"},
		{"groups:\n- {name: g, prefix: /p}\nroutes:\n- {path: /p/x, plugin: a}\n- {path: "
		 "/x, "
		 "group: g, plugin: a}\n",
		 7, ERR_CONFIG_CONFLICT, "takes the same requests"},
		{"groups:\n- {name: g, prefix: /health}\nroutes:\n- {path: /x, group: g, plugin: "
		 "a}\n",
		 6, ERR_CONFIG_CONFLICT, "plugd itself"},
		{"routes:\n- {path: /, plugin: a, hosts: ['a:80']}\n", 4, ERR_CONFIG_TYPE,
		 "without scheme and port"},
		{"routes:\n- {path: /, plugin: a, host: a.x, hosts: [b.x]}\n", 4,
		 ERR_CONFIG_CONFLICT, "write one of host and hosts"},
		{"routes:\n- {path: /, plugin: a, hosts: [a.x, A.x]}\n", 4, ERR_CONFIG_DUPLICATE,
		 "is listed twice"},
		{"routes:\n- {path: '/:a<number>', plugin: a}\n", 4, ERR_CONFIG_RANGE,
		 "there are uuid"},
		{"routes:\n- {path: '', plugin: a}\n", 4, ERR_CONFIG_RANGE, "does not start"},
		{"routes:\n- {path: /x}\n", 4, ERR_CONFIG_MISSING, "leads nowhere"},
		{"routes:\n- {path: /x, plugin: a, redirect: /y}\n", 4, ERR_CONFIG_CONFLICT,
		 "leads to plugin and redirect at once; keep one of them"},
		{"routes:\n- {path: /x, redirect: {status: 308}}\n", 4, ERR_CONFIG_MISSING,
		 "leads nowhere"},
		{"routes:\n- {path: /x, plugin: a, redirect: {status: 308}}\n", 4,
		 ERR_CONFIG_CONFLICT, "redirect.status: is of no redirect"},
		{"routes:\n- {path: /x, redirect: {to: /y, status: 200}}\n", 4, ERR_CONFIG_TYPE,
		 "307, 301, 302, 303 or 308"},
		{"routes:\n- {path: /x, redirect: y}\n", 4, ERR_CONFIG_RANGE,
		 "redirect.to: begins neither"},
		{"routes:\n- {path: '/:a', redirect: '/:b'}\n", 4, ERR_CONFIG_RANGE, "has not"},
		{"routes:\n- {path: /x, redirect: /y, timeout: 1s}\n", 4, ERR_CONFIG_CONFLICT,
		 "timeout: is for plugins, but the route has redirect"},
		{"routes:\n- {path: /x, redirect: /y, concurrency: {limit: 3}}\n", 4,
		 ERR_CONFIG_CONFLICT, "limit: is for plugins, but the route has redirect"},
		{"routes:\n- {path: /x, redirect: /y, rpc: s/M}\n", 4, ERR_CONFIG_CONFLICT,
		 "rpc: is for plugins"},
		{"routes:\n- {path: /x, redirect: /y, rewrite: /z}\n", 4, ERR_CONFIG_CONFLICT,
		 "rewrite: is for plugins"},
		{"routes:\n- {path: /x, plugin: a, rewrite: z}\n", 4, ERR_CONFIG_RANGE,
		 "rewrite: does not start"},
		{"routes:\n- {path: /x, plugin: a, rewrite: /z, rpc: s/M}\n", 4, ERR_CONFIG_RANGE,
		 "sees no path"},
		{"routes:\n- {path: /x, plugin: a, scheme: ftp}\n", 4, ERR_CONFIG_TYPE,
		 "any, http or https"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct config_errors errors = {0};
		struct config config;
		char yaml[1000];

		snprintf(yaml, sizeof(yaml), PLUGINS "%s", rows[i].yaml);
		config_parse(str_from(yaml), "f.yaml", "/dir", NULL, &config, &errors);
		if (errors.count != 1)
			fail_msg("%s: %zu errors: %s; %s", rows[i].yaml, errors.count,
				 errors.count ? errors.items[0].text : "",
				 errors.count > 1 ? errors.items[1].text : "");
		if (errors.items[0].line != rows[i].line || errors.items[0].code != rows[i].code ||
		    !strstr(errors.items[0].text, rows[i].says))
			fail_msg("%s: %s [%d]", rows[i].yaml, errors.items[0].text,
				 errors.items[0].code);
		config_errors_free(&errors);
		config_free(&config);
	}
}

/* ---- what has changed ---- */

static void a_change_of_a_group_is_one_of_its_routes(void **state)
{
	struct config before, after;
	struct diff diff;

	read_good(PLUGINS "groups: [{name: g, plugin: a}]\n"
			  "routes: [{path: /x, group: g, host: a.x, rate_limit: {per_second: 5}},"
			  "{path: /y, group: g, plugin: b}]\n",
		  &before);
	read_good(PLUGINS "groups: [{name: g, plugin: b, rate_limit: {per_second: 5}}]\n"
			  "routes: [{path: /x, group: g, host: a.x},{path: /y, group: g, "
			  "rate_limit: {per_second: 5}}]\n",
		  &after);
	diff_init(&diff, &before, &after);
	assert_int_equal(diff.count, 2);
	assert_string_equal(diff.changes[0].setting, "routes[/y]");
	assert_string_equal(diff.changes[1].setting, "routes[a.x /x]");
	assert_string_equal(diff.changes[1].before,
			    "{group: g, plugin: a, rate_limit.per_second: 5}");
	assert_string_equal(diff.changes[1].after,
			    "{group: g, plugin: b, rate_limit.per_second: 5, rate_limit of all in "
			    "the group}");
	diff_deinit(&diff);
	config_free(&before);
	config_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_of_a_route_is_a_groups_too),
		cmocka_unit_test(what_a_route_says_itself_wins_setting_by_setting),
		cmocka_unit_test(a_route_that_says_where_it_leads_gets_nothing_of_its_groups_lead),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(a_change_of_a_group_is_one_of_its_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
