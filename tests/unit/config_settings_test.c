/* Every row of the table of settings, held against what a row promises: its default, its range, its
 * names, and the order in which flags, environment and file count. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "config/config.h"
#include "config/rules.h"
#include "config/settings.h"
#include "config/value.h"
#include "observe/errors.h"

#define HERE "/nowhere" /* the directory of the file that is none */

static void load(struct config *config, const char *yaml, const struct config_overrides *overrides)
{
	struct config_errors errors = {0};

	config_parse(str_from(yaml), "f.yaml", HERE, overrides, config, &errors);
	if (errors.count > 0)
		fail_msg("%s", errors.items[0].text);
	config_errors_free(&errors);
}

/* ---- defaults ---- */

static void has_the_documented_defaults(void **state)
{
	struct config c;

	load(&c, "", NULL);
	assert_string_equal(c.net.listen[0], "127.0.0.1:8080");
	assert_null(c.net.listen[1]);
	assert_int_equal(c.drain_timeout_ms, 30000);
	assert_false(c.watch_config);
	assert_int_equal(c.edge.body_bytes, 10 << 20);
	assert_int_equal(c.net.header_bytes, 1 << 20);
	assert_int_equal(c.net.header_count, 100);
	assert_int_equal(c.net.read_header_timeout_ms, 5000);
	assert_int_equal(c.net.read_timeout_ms, 30000);
	assert_int_equal(c.net.write_timeout_ms, 30000);
	assert_int_equal(c.net.idle_timeout_ms, 60000);
	assert_int_equal(c.net.max_connections, 10000);
	assert_int_equal(c.net.max_connections_per_address, 256);
	assert_int_equal(c.net.uri_bytes, 8 << 10);
	assert_string_equal(c.net.unix_sockets.mode, "0660");
	assert_null(c.net.unix_sockets.group);
	assert_null(c.edge.trusted_proxies);
	assert_int_equal(c.edge.forwarded_by, FORWARDED_BY_X);
	assert_null(c.edge.allow);
	assert_null(c.edge.deny);
	assert_int_equal(c.edge.rate.per_second, 100);
	assert_int_equal(c.edge.rate.burst, 200);
	assert_int_equal(c.edge.rate_keys, 100000);
	assert_string_equal(c.edge.rate_by, "address");
	assert_true(c.edge.security.enabled);
	assert_string_equal(c.edge.security.content_type_options, "nosniff");
	assert_null(c.edge.security.strict_transport_security);
	assert_int_equal(c.log.level, LOG_INFO);
	assert_int_equal(c.log.format, LOG_FORMAT_LOGFMT);
	assert_int_equal(c.log.fd, 2);
	assert_true(c.edge.access_log);
	assert_string_equal(c.admin.socket, ADMIN_DEFAULT_SOCKET);
	assert_null(c.trust.whitelist_file);
	assert_int_equal(c.trust.policy, TRUST_STRICT);
	assert_int_equal(c.trust.max_executable_bytes, EXEC_MAX_BYTES);
	assert_int_equal(c.trust.on_revoke, REVOKE_DRAIN);
	assert_true(c.trust.require_safe_modes);
	assert_true(c.trust.watch_whitelist);
	assert_null(c.process.user);
	assert_null(c.process.group);
	assert_int_equal(c.process.spawner, SPAWNER_KEEPS_ROOT);
	assert_string_equal(c.process.umask, "0077");
	assert_true(c.process.no_new_privs);
	assert_null(c.audit.file);
	assert_int_equal(c.audit.on_failure, AUDIT_REFUSES);
	assert_null(c.audit.anchor_key);
	assert_int_equal(c.audit.anchor_every, 100);
	assert_int_equal(c.plugin_count, 0);
	assert_int_equal(c.edge.route_count, 0);
	config_free(&c);
}

static void gives_each_plugin_the_documented_defaults(void **state)
{
	struct config c;

	load(&c, "whitelist: {file: w}\nplugins: [{name: p, executable: e}]", NULL);
	assert_int_equal(c.plugin_count, 1);
	assert_string_equal(c.plugins[0].name, "p");
	assert_string_equal(c.plugins[0].executable, HERE "/e");
	assert_null(c.plugins[0].args);
	assert_null(c.plugins[0].env);
	assert_null(c.plugins[0].work_dir);
	assert_true(c.plugins[0].enabled);
	assert_false(c.plugins[0].expose);
	assert_int_equal(c.plugins[0].instances, 1);
	assert_int_equal(c.plugins[0].transport, PLUGIN_PIPE);
	assert_int_equal(c.plugins[0].pipe_bytes, 256 << 10);
	assert_int_equal(c.plugins[0].handshake_timeout_ms, 10000);
	assert_int_equal(c.plugins[0].drain_timeout_ms, 30000);
	assert_int_equal(c.plugins[0].timeout_ms, 30000);
	assert_int_equal(c.plugins[0].concurrency, 256);
	assert_int_equal(c.plugins[0].queue, 512);
	assert_int_equal(c.plugins[0].queue_timeout_ms, 250);
	assert_int_equal(c.plugins[0].max_message_bytes, 16 << 20);
	assert_null(c.plugins[0].config);
	assert_int_equal(c.plugins[0].config_len, 0);
	config_free(&c);
}

static void takes_every_key_of_a_plugin_and_a_route(void **state)
{
	static const char yaml[] =
		"whitelist: {file: /w}\n"
		"plugins:\n"
		"- {name: p, executable: /bin/p, args: [a, 'b c', 1], env: {A: 1, B: \"\"}, "
		"work_dir: d, instances: 3, expose: true, transport: socketpair, "
		"handshake_timeout: 1s, drain_timeout: 2s, timeout: 3s, concurrency: 4, queue: 5, "
		"queue_timeout: 6ms, max_message: 7KiB, config: {}}\n"
		"routes:\n"
		"- {path: /a/:b, method: GET, plugin: p, rpc: s.v1.S/M, timeout: 8s, body_limit: "
		"9}\n"
		"- {path: /x, methods: [GET, PUT], plugin: p}\n";
	struct config c;

	load(&c, yaml, NULL);
	const struct plugin_opts *p = &c.plugins[0];
	assert_string_equal(c.trust.whitelist_file, "/w");
	assert_string_equal(p->executable, "/bin/p");
	assert_string_equal(p->args[1], "b c");
	assert_string_equal(p->args[2], "1");
	assert_null(p->args[3]);
	assert_string_equal(p->env[0], "A=1");
	assert_string_equal(p->env[1], "B=");
	assert_null(p->env[2]);
	assert_string_equal(p->work_dir, HERE "/d");
	assert_int_equal(p->instances, 3);
	assert_true(p->expose);
	assert_int_equal(p->transport, PLUGIN_SOCKETPAIR);
	assert_int_equal(p->handshake_timeout_ms, 1000);
	assert_int_equal(p->drain_timeout_ms, 2000);
	assert_int_equal(p->timeout_ms, 3000);
	assert_int_equal(p->concurrency, 4);
	assert_int_equal(p->queue, 5);
	assert_int_equal(p->queue_timeout_ms, 6);
	assert_int_equal(p->max_message_bytes, 7 << 10);
	assert_int_equal(p->config_len, 1);

	const struct route_opts *r = c.edge.routes;
	assert_int_equal(c.edge.route_count, 2);
	assert_string_equal(r[0].path, "/a/:b");
	assert_string_equal(r[0].methods[0], "GET");
	assert_null(r[0].methods[1]);
	assert_string_equal(r[0].plugin, "p");
	assert_string_equal(r[0].rpc, "s.v1.S/M");
	assert_int_equal(r[0].timeout_ms, 8000);
	assert_int_equal(r[0].body_bytes, 9);
	assert_int_equal(r[0].line, 5);
	assert_string_equal(r[1].methods[1], "PUT");
	assert_null(r[1].rpc);
	assert_int_equal(r[1].timeout_ms, 0);
	assert_int_equal(r[1].body_bytes, 0);
	config_free(&c);
}

static void gives_each_plugin_the_documented_life(void **state)
{
	struct config c;

	load(&c, "whitelist: {file: w}\nplugins: [{name: p, executable: e}]", NULL);
	assert_int_equal(c.plugins[0].start, PLUGIN_EAGER);
	assert_int_equal(c.plugins[0].idle_timeout_ms, 0);
	assert_int_equal(c.plugins[0].patience_ms, 10000);
	assert_int_equal(c.plugins[0].restart.policy, RESTART_ALWAYS);
	assert_int_equal(c.plugins[0].restart.max_restarts, 5);
	assert_int_equal(c.plugins[0].restart.period_ms, 60000);
	assert_int_equal(c.plugins[0].restart.initial_delay_ms, 100);
	assert_int_equal(c.plugins[0].restart.max_delay_ms, 30000);
	assert_int_equal(c.plugins[0].restart.healthy_after_ms, 10000);
	assert_true(c.plugins[0].health_check.enabled);
	assert_int_equal(c.plugins[0].health_check.interval_ms, 30000);
	assert_int_equal(c.plugins[0].health_check.timeout_ms, 5000);
	assert_int_equal(c.plugins[0].health_check.failure_limit, 3);
	config_free(&c);
}

static void takes_every_key_of_a_plugins_life(void **state)
{
	static const char yaml[] =
		"whitelist: {file: /w}\n"
		"plugins:\n"
		"- name: p\n"
		"  executable: /bin/p\n"
		"  start: lazy\n"
		"  idle_timeout: 7s\n"
		"  patience: 1s\n"
		"  restart: {policy: on-failure, max_restarts: 2, period: 3s, initial_delay: 4ms, "
		"max_delay: 5s, healthy_after: 6s}\n"
		"  health_check: {enabled: false, interval: 2s, timeout: 3s, failure_limit: 4}\n";
	struct config c;

	load(&c, yaml, NULL);
	const struct plugin_opts *p = &c.plugins[0];
	assert_int_equal(p->start, PLUGIN_LAZY);
	assert_int_equal(p->idle_timeout_ms, 7000);
	assert_int_equal(p->patience_ms, 1000);
	assert_int_equal(p->restart.policy, RESTART_ON_FAILURE);
	assert_int_equal(p->restart.max_restarts, 2);
	assert_int_equal(p->restart.period_ms, 3000);
	assert_int_equal(p->restart.initial_delay_ms, 4);
	assert_int_equal(p->restart.max_delay_ms, 5000);
	assert_int_equal(p->restart.healthy_after_ms, 6000);
	assert_false(p->health_check.enabled);
	assert_int_equal(p->health_check.interval_ms, 2000);
	assert_int_equal(p->health_check.timeout_ms, 3000);
	assert_int_equal(p->health_check.failure_limit, 4);
	config_free(&c);
}

/* ---- ranges ---- */

static bool is_number(const struct setting *setting)
{
	return setting->kind == SETTING_INT || setting->kind == SETTING_DURATION ||
	       setting->kind == SETTING_SIZE;
}

static int set_number(const struct setting *setting, int64_t value, void *target)
{
	char *text =
		mem_printf("%" PRId64 "%s", value, setting->kind == SETTING_DURATION ? "ms" : "");
	struct arena arena = {0};
	struct err err = {0};

	value_set(setting, str_from(text), HERE, &arena, target, &err);
	arena_deinit(&arena);
	free(text);
	return err.code;
}

static int64_t get_number(const struct setting *setting, const void *target)
{
	int64_t value = 0;

	memcpy(&value, (const char *)target + setting->offset, setting->bytes);
	return value;
}

static void takes_both_ends_of_each_range_and_nothing_beyond(void **state)
{
	/* As large as any of the structs that offsets count in. */
	max_align_t target[sizeof(struct config) + sizeof(struct plugin_opts)];

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		if (!is_number(setting))
			continue;
		assert_true(setting->min >= 0 && setting->min < setting->max);
		assert_int_equal(set_number(setting, setting->min, target), 0);
		assert_int_equal(get_number(setting, target), setting->min);
		assert_int_equal(set_number(setting, setting->max, target), 0);
		assert_int_equal(get_number(setting, target), setting->max);
		assert_int_equal(set_number(setting, setting->max + 1, target), ERR_CONFIG_RANGE);
		if (setting->min > 0)
			assert_int_equal(set_number(setting, setting->min - 1, target),
					 ERR_CONFIG_RANGE);
		assert_int_equal(get_number(setting, target), setting->max);
	}
}

/* ---- names and rows ---- */

static void has_one_setting_for_each_name(void **state)
{
	char one[SETTING_NAME], other[SETTING_NAME];

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!setting_is_single(&settings[i]) || !setting_is_single(&settings[j]))
				continue;
			assert_string_not_equal(setting_variable(&settings[i], one),
						setting_variable(&settings[j], other));
			assert_string_not_equal(setting_flag(&settings[i], one),
						setting_flag(&settings[j], other));
		}
	}
	assert_string_equal(setting_path(&settings[SETTING_HTTP_BODY_LIMIT], one),
			    "http.body_limit");
	assert_string_equal(setting_variable(&settings[SETTING_TOP_LISTEN], one), "PLUGD_LISTEN");
	assert_string_equal(setting_path(&settings[SETTING_HTTP_RATE_BURST], one),
			    "http.rate_limit.burst");
	assert_string_equal(setting_flag(&settings[SETTING_HTTP_RATE_BURST], one),
			    "http-rate-limit-burst");
}

static void writes_each_value_into_a_field_of_its_own(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct setting *a = &settings[i], *b = &settings[j];
			bool same_struct = setting_is_single(a) ? setting_is_single(b)
								: a->section == b->section;
			assert_false(same_struct && a->offset < b->offset + b->bytes &&
				     b->offset < a->offset + a->bytes);
		}
	}
}

static void explains_every_row(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		assert_non_null(setting->help);
		assert_int_equal(setting->help[strlen(setting->help) - 1], '.');
		assert_int_equal(!setting->fallback + !setting->otherwise + !setting->required, 2);
		assert_true(setting->fallback || setting->example);
	}
}

/* ---- flags > environment > file > defaults ---- */

/* Three different values, in ascending order of who wins. Returns owned. */
static char *sample(const struct setting *setting, unsigned which)
{
	switch (setting->kind) {
	case SETTING_INT:
	case SETTING_SIZE:
		return mem_printf("%" PRId64, setting->min + 1 + which);
	case SETTING_DURATION:
		return mem_printf("%" PRId64 "ms", setting->min + 1 + which);
	case SETTING_BOOL:
		return mem_strdup(which % 2 == 0 ? "false" : "true");
	case SETTING_CHOICE:
		return mem_strdup(setting->choices[which % 2 == 1 && setting->choices[1] ? 1 : 0]);
	case SETTING_PATH:
		return mem_printf("/path/%u", which);
	case SETTING_STRING:
	case SETTING_STRINGS:
		if (setting->check == rule_plain_path || setting->check == rule_cgroup)
			return mem_printf("/path/%u", which + 1);
		if (setting == &settings[SETTING_WHITELIST_PUBLIC_KEYS])
			return mem_printf("ed25519:%064u", which + 1);
		if (setting->check == rule_umask)
			return mem_printf("00%u", which + 1);
		if (setting->check == rule_mode)
			return mem_printf("066%u", which + 1);
		if (setting->check == rule_network)
			return mem_printf("192.0.2.%u", which + 1);
		if (setting->check == rule_origin)
			return mem_printf("https://a%u.example", which + 1);
		if (setting->check == rule_method)
			return mem_printf("M%u", which + 1);
		if (setting->check == rule_header || setting->check == rule_auth_header)
			return mem_printf("x-%u", which + 1);
		if (setting->check == rule_rate_by)
			return mem_printf("header x-%u", which + 1);
		if (setting->check == rule_encoding)
			return mem_printf("%s", (const char *[]){"gzip", "br", "zstd"}[which]);
		if (setting->check == rule_media_type)
			return mem_printf("text/x%u", which + 1);
		return mem_printf("127.0.0.1:%u", which + 1);
	case SETTING_PAIRS:
	case SETTING_SOURCES:
	case SETTING_FREE:
		break;
	}
	fail_msg("%s exists once and is of a kind that no text makes", setting->key);
	return NULL;
}

static bool has_value(const struct setting *setting, const struct config *config, const char *text)
{
	const char *field = (const char *)config + setting->offset;
	max_align_t wanted[sizeof(struct config)];
	struct arena arena = {0};
	const char *string;
	bool same;

	if (setting->kind == SETTING_STRINGS) {
		char **list;
		memcpy(&list, field, sizeof(list));
		return list[0] && strcmp(list[0], text) == 0 && !list[1];
	}
	assert_int_equal(value_set(setting, str_from(text), HERE, &arena, wanted, NULL), 0);
	if (setting->kind == SETTING_PATH || setting->kind == SETTING_STRING) {
		memcpy(&string, field, sizeof(string));
		same = strcmp(string, text) == 0;
	} else {
		same = memcmp((char *)wanted + setting->offset, field, setting->bytes) == 0;
	}
	arena_deinit(&arena);
	return same;
}

/* Lines of the same section without which some values are refused. */
static const char *company(const struct setting *setting)
{
	if (setting->section == SECTION_HTTP_CORS && setting->check != rule_origin)
		return "    origins: https://a.example\n";
	if (setting == &settings[SETTING_PROCESS_GROUP])
		return "  user: daemon\n";
	if (setting == &settings[SETTING_WHITELIST_REQUIRE_SIGNATURE])
		return "  public_keys: ed25519:"
		       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\n";
	if (setting == &settings[SETTING_TLS_CLIENT_CA])
		return "  client_certificates: optional\n";
	if (setting == &settings[SETTING_TLS_CLIENT_CRL])
		return "  client_certificates: optional\n  client_ca: /ca\n";
	return "";
}

/* The setting in its section, and that in its own. Returns owned. */
static char *file_with(const struct setting *setting, const char *value)
{
	const struct section *section = &sections[setting->section];
	const char *above = sections[section->parent].key;

	if (above[0])
		return mem_printf("%s:\n  %s:\n%s    %s: %s\n", above, section->key,
				  company(setting), setting->key, value);
	if (section->key[0])
		return mem_printf("%s:\n%s  %s: \n    %s\n", section->key, company(setting),
				  setting->key, value);
	return mem_printf("%s: \n  %s\n", setting->key, value);
}

static void check_order(const struct setting *setting)
{
	char *in_file = sample(setting, 0), *in_environment = sample(setting, 1);
	char *in_flag = sample(setting, 2);
	char name[SETTING_NAME], flag_name[SETTING_NAME];
	char *variable = mem_printf("%s=%s", setting_variable(setting, name), in_environment);
	char *yaml = file_with(setting, in_file);
	char *environment[] = {(char[]){"HOME=/"}, variable, NULL};
	struct config_flag flag = {setting_flag(setting, flag_name), in_flag};
	struct config_overrides overrides = {0};
	struct config config;

	load(&config, yaml, &overrides);
	assert_true(has_value(setting, &config, in_file));
	config_free(&config);

	overrides.environment = environment;
	load(&config, yaml, &overrides);
	assert_true(has_value(setting, &config, in_environment));
	config_free(&config);

	overrides.flags = &flag;
	overrides.flag_count = 1;
	load(&config, yaml, &overrides);
	assert_true(has_value(setting, &config, in_flag));
	config_free(&config);
	free(in_file);
	free(in_environment);
	free(in_flag);
	free(variable);
	free(yaml);
}

static void prefers_flags_to_environment_to_file_for_each_setting(void **state)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		/* whose values want another setting to be there, or not to be there */
		bool is_alone = i != SETTING_TLS_CLIENT_CERTIFICATES &&
				settings[i].section != SECTION_HTTP_AUTH;

		if (setting_is_single(&settings[i]) && is_alone)
			check_order(&settings[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_documented_defaults),
		cmocka_unit_test(gives_each_plugin_the_documented_defaults),
		cmocka_unit_test(takes_every_key_of_a_plugin_and_a_route),
		cmocka_unit_test(gives_each_plugin_the_documented_life),
		cmocka_unit_test(takes_every_key_of_a_plugins_life),
		cmocka_unit_test(takes_both_ends_of_each_range_and_nothing_beyond),
		cmocka_unit_test(has_one_setting_for_each_name),
		cmocka_unit_test(writes_each_value_into_a_field_of_its_own),
		cmocka_unit_test(explains_every_row),
		cmocka_unit_test(prefers_flags_to_environment_to_file_for_each_setting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
