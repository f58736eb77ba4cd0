/* Two configurations side by side: each setting is looked at, and what differs is told as it would
 * be written. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/diff.h"
#include "tests/support/unit.h"

/* ---- every row ---- */

static void every_setting_says_what_a_reload_does(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (settings[i].apply == APPLY_UNSAID)
			fail_msg("%s has no .apply", settings[i].key);
		assert_true(setting_apply_name(settings[i].apply)[0] != '\0');
	}
}

/* Something that the field did not have before. */
static void alter(const struct setting *setting, void *target)
{
	static char *texts[] = {(char *)"other", NULL};
	char *field = (char *)target + setting->offset;
	static char *sources[] = {(char *)"db=file:/etc/a b", NULL};
	char **list = texts;
	size_t one = 1;

	switch (setting->kind) {
	case SETTING_STRING:
	case SETTING_PATH:
		memcpy(field, &texts[0], sizeof(texts[0]));
		return;
	case SETTING_STRINGS:
	case SETTING_PAIRS:
		memcpy(field, &list, sizeof(list));
		return;
	case SETTING_SOURCES:
		list = sources;
		memcpy(field, &list, sizeof(list));
		return;
	case SETTING_FREE:
		memcpy(field, &texts[0], sizeof(texts[0]));
		memcpy((char *)target + setting->length, &one, sizeof(one));
		return;
	case SETTING_BOOL:
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_CHOICE:
		field[0] = !field[0];
		return;
	}
}

static char name[] = "p";

static void assert_one_change(const struct config *before, const struct config *after,
			      const struct setting *setting)
{
	struct diff diff;

	diff_init(&diff, before, after);
	if (diff.count != 1)
		fail_msg("%s: %zu changes", setting->key, diff.count);
	assert_int_equal(diff.changes[0].apply, setting->apply);
	assert_non_null(strstr(diff.changes[0].setting, setting->key));
	diff_deinit(&diff);
}

static void no_setting_is_forgotten(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		struct plugin_opts plugins[] = {{.name = name}, {.name = name}};
		struct config before = {.plugins = &plugins[0], .plugin_count = 1};
		struct config after = {.plugins = &plugins[1], .plugin_count = 1};

		if (setting_is_single(setting))
			alter(setting, &after);
		else if (setting->section != SECTION_ROUTES && i != SETTING_PLUGINS_NAME &&
			 (!sections[setting->section].list ||
			  setting->section == SECTION_PLUGINS) &&
			 sections[setting->section].parent != SECTION_ROUTES)
			alter(setting, &plugins[1]);
		else
			continue;
		/* `choices` of one word know no other */
		if (setting->kind != SETTING_CHOICE || setting->choices[1])
			assert_one_change(&before, &after, setting);
	}
}

static void a_plugin_takes_the_settings_of_a_class(void **state)
{
	struct plugin_opts from = {.name = name, .instances = 7, .queue = 5};
	struct plugin_opts into = {.instances = 1};

	from.config = (uint8_t *)name;
	from.config_len = 1;
	plugin_opts_take(&into, &from, 1u << APPLY_LIVE);
	assert_int_equal(into.queue, 5);
	assert_int_equal(into.instances, 1);
	assert_null(into.config);
	plugin_opts_take(&into, &from, 1u << APPLY_CONFIG);
	assert_ptr_equal(into.config, name);
	assert_int_equal(into.config_len, 1);
	assert_null(into.name);
}

/* ---- two files ---- */

struct two {
	struct config before;
	struct config after;
	struct diff diff;
};

static void read_one(const char *yaml, struct config *out)
{
	struct config_errors errors = {0};

	if (config_parse(str_from(yaml), "f.yaml", "/dir", NULL, out, &errors) < 0)
		fail_msg("%s", errors.items[0].text);
	config_errors_free(&errors);
}

static void compare(struct two *two, const char *before, const char *after)
{
	read_one(before, &two->before);
	read_one(after, &two->after);
	diff_init(&two->diff, &two->before, &two->after);
}

static void end(struct two *two)
{
	diff_deinit(&two->diff);
	config_free(&two->before);
	config_free(&two->after);
}

/* "class setting: before -> after", a line each. */
static void assert_changes(const struct two *two, const char *expected)
{
	struct buf text = {0};

	for (size_t i = 0; i < two->diff.count; i++) {
		const struct change *change = &two->diff.changes[i];

		buf_printf(&text, "%s %s: %s -> %s\n", setting_apply_name(change->apply),
			   change->setting, change->before ? change->before : "-",
			   change->after ? change->after : "-");
	}
	buf_append(&text, "", 1);
	assert_string_equal((const char *)buf_front(&text), expected);
	buf_deinit(&text);
}

#define WHITELIST "whitelist: {file: w.yaml}\n"
#define PLUGIN	  "  - {name: users, executable: users"

static void the_same_twice_is_no_difference(void **state)
{
	struct two two;

	compare(&two,
		WHITELIST "plugins:\n" PLUGIN ", args: [a, b], config: {a: 1}}\n"
			  "  - {name: other, executable: other}\n"
			  "routes: [{path: /a, plugin: users}, {path: /b, plugin: other}]\n",
		WHITELIST "routes: [{path: /b, plugin: other}, {path: /a, plugin: users}]\n"
			  "plugins:\n  - {name: other, executable: other}\n" PLUGIN
			  ", config: {a: 1}, args: [a, b]}\n");
	assert_changes(&two, "");
	end(&two);
}

static void changes_are_told_as_one_writes_them(void **state)
{
	struct two two;

	compare(&two, WHITELIST "plugins:\n" PLUGIN ", config: {greeting: hello}}\n",
		WHITELIST
		"listen: [\":1\", \":2\"]\nhttp: {body_limit: 1MiB}\nlog: {access: false}\n"
		"admin: {socket: none}\nplugins:\n" PLUGIN
		", enabled: false, queue: 7, timeout: 90s,\n"
		"     args: [-v, \"a b\"], env: {TZ: UTC}, config: {a: [1, true, null]}}\n");
	assert_changes(&two, "listener listen: [127.0.0.1:8080] -> [:1, :2]\n"
			     "live http.body_limit: 10MiB -> 1MiB\n"
			     "live log.access: true -> false\n"
			     "restart admin.socket: /run/plugd/admin.sock -> -\n"
			     "swap plugins[users].args: - -> [-v, \"a b\"]\n"
			     "swap plugins[users].env: - -> [TZ=UTC]\n"
			     "plugin plugins[users].enabled: true -> false\n"
			     "live plugins[users].timeout: 30s -> 1m30s\n"
			     "live plugins[users].queue: 512 -> 7\n"
			     "config plugins[users].config: {\"greeting\": \"hello\"} -> "
			     "{\"a\": [1, true, null]}\n");
	assert_int_equal(diff_of_plugin(&two.diff, "users"), 1u << APPLY_SWAP | 1u << APPLY_PLUGIN |
								     1u << APPLY_LIVE |
								     1u << APPLY_CONFIG);
	assert_int_equal(diff_of_plugin(&two.diff, "other"), 0);
	end(&two);
}

static void plugins_and_routes_come_and_go(void **state)
{
	struct two two;

	compare(&two,
		WHITELIST "plugins:\n" PLUGIN "}\n"
			  "routes: [{path: /a, plugin: users, method: GET},\n"
			  "  {path: /b, plugin: users}, {path: /c, plugin: users, timeout: 1s}]\n",
		WHITELIST "plugins: [{name: pets, executable: /bin/pets}]\n"
			  "routes: [{path: /a, plugin: pets, method: GET},\n"
			  "  {path: /b, plugin: pets, rpc: pets.v1.Pets/Get, body_limit: 1KiB},\n"
			  "  {path: /d, plugin: pets}]\n");
	assert_changes(&two, "plugin plugins[users]: /dir/users -> -\n"
			     "plugin plugins[pets]: - -> /bin/pets\n"
			     "live routes[/b]: {plugin: users} -> "
			     "{plugin: pets, rpc: pets.v1.Pets/Get, body_limit: 1KiB}\n"
			     "live routes[/c]: {plugin: users, timeout: 1s} -> -\n"
			     "live routes[/d]: - -> {plugin: pets}\n"
			     "live routes[GET /a]: {plugin: users} -> {plugin: pets}\n");
	end(&two);
}

#define TLS(list) "tls: {certificates: [" list "]}\n"

static void certificates_are_compared_by_their_place(void **state)
{
	struct two two;

	compare(&two, TLS("{certificate: a, key: k}, {certificate: b, key: k, names: [b.example]}"),
		TLS("{certificate: a, key: k}, {certificate: b, key: k, names: [c.example], ocsp: "
		    "o},"
		    "{certificate: d, key: k}"));
	assert_changes(&two,
		       "live tls.certificates[1]: {certificate: /dir/b, key: /dir/k, names: "
		       "[b.example]} -> {certificate: /dir/b, key: /dir/k, names: [c.example], "
		       "ocsp: /dir/o}\n"
		       "live tls.certificates[2]: - -> {certificate: /dir/d, key: /dir/k}\n");
	end(&two);
}

static void a_long_value_is_cut(void **state)
{
	char *after = mem_printf(WHITELIST "plugins:\n" PLUGIN ", args: [%01000d]}\n", 7);
	struct two two;

	compare(&two, WHITELIST "plugins:\n" PLUGIN "}\n", after);
	assert_int_equal(two.diff.count, 1);
	assert_true(strlen(two.diff.changes[0].after) < 500);
	assert_non_null(strstr(two.diff.changes[0].after, "…"));
	end(&two);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_says_what_a_reload_does),
		cmocka_unit_test(no_setting_is_forgotten),
		cmocka_unit_test(a_plugin_takes_the_settings_of_a_class),
		cmocka_unit_test(the_same_twice_is_no_difference),
		cmocka_unit_test(changes_are_told_as_one_writes_them),
		cmocka_unit_test(plugins_and_routes_come_and_go),
		cmocka_unit_test(certificates_are_compared_by_their_place),
		cmocka_unit_test(a_long_value_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
