/* `plugctl check`: an author's first friend. Reads the options that stand for a plugin's
 * configuration, has the plugin probed, and tells the verdicts and what the plugin provides. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/views.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/member.h"
#include "base/units.h"
#include "config/pack.h"
#include "echo.h"
#include "observe/errors.h"
#include "output.h"
#include "probe.h"
#include "slurp.h"
#include "subcommand.h"

#define DEFAULT_TIMEOUT_MS 10000
#define MESSAGE_BYTES	   ((uint64_t)16 << 20)

const struct arg_option check_options[] = {
	{"name", 'n', "NAME", "what the plugin is told as its name [check]"},
	{"config", 'c', "FILE", "its own configuration: a map in YAML or JSON [none]"},
	{"env", 'e', "NAME=VALUE", "a variable of its environment; may come again [none]"},
	{"timeout", 't', "DURATION", "how long each step may take [10s]"},
	{NULL},
};

struct check {
	struct arena arena; /* of the options */
	struct plugin_opts plugin;
	char name[128];
};

/* ---- options ---- */

static char **take_env(struct check *check, const struct args *args)
{
	char **list = arena_zalloc(&check->arena, (ARGS_MAX_GIVEN + 1) * sizeof(*list));
	const char *value;
	size_t count = 0;
	size_t at = 0;

	while ((value = args_next(args, "env", &at))) {
		if (!strchr(value, '=') || value[0] == '=')
			return usage_error("\"%.60s\" is not NAME=VALUE", value), NULL;
		list[count++] = arena_strndup(&check->arena, str_from(value));
	}
	return list;
}

static bool take_options(struct check *check, const struct args *args)
{
	const char *timeout = args_value(args, "timeout");
	const char *name = args_value(args, "name");
	int64_t timeout_ms = DEFAULT_TIMEOUT_MS;

	if (timeout && (!units_parse_duration_ms(str_from(timeout), &timeout_ms) ||
			timeout_ms == 0 || timeout_ms > INT32_MAX))
		return usage_error("\"%s\" is no duration; write 500ms, 3s or 1m", timeout), false;
	str_copy(check->name, sizeof(check->name), str_from(name ? name : "check"));
	check->plugin = (struct plugin_opts){
		.name = check->name,
		.args = args->operands + 1,
		.env = take_env(check, args),
		.enabled = true,
		.instances = 1,
		.handshake_timeout_ms = timeout_ms,
		.drain_timeout_ms = timeout_ms,
		.max_message_bytes = MESSAGE_BYTES,
	};
	return check->plugin.env != NULL;
}

static int pack_config(struct check *check, struct str text, const char *file)
{
	struct place place = {.where = file, .key = ""};
	struct config_errors errors = {0};
	struct yaml_node *root;
	struct str packed;
	struct err err;
	int r = yaml_parse(text, file, ERR_CONFIG_SYNTAX, &check->arena, &root, &err);

	if (r == 0 && (!root || root->kind != YAML_MAP))
		r = err_set(&err, ERR_CONFIG_TYPE, "%s is not a map of names and values", file);
	if (r < 0) {
		output_error(&err);
		return r;
	}
	r = pack_map(root, place, &errors, &check->arena, &packed);
	if (r < 0)
		config_errors_print(&errors, stderr);
	config_errors_free(&errors);
	check->plugin.config = (uint8_t *)packed.data;
	check->plugin.config_len = packed.len;
	return r;
}

static int take_config(struct check *check, const char *file)
{
	struct buf text = {0};
	struct err err;
	int r = slurp(file, CONFIG_MAX_BYTES, &text, &err);

	if (r < 0)
		output_error(&err);
	else
		r = pack_config(check, (struct str){(char *)buf_front(&text), buf_len(&text)},
				file);
	buf_deinit(&text);
	return r;
}

/* ---- what came out ---- */

static json_t *manifest_json(const struct probe *probe)
{
	json_t *object = json_object();

	member_text(object, "name", probe->plugin->name);
	view_manifest(object, probe->instance ? instance_manifest(probe->instance) : NULL);
	return object;
}

static json_t *rules_json(const struct probe *probe)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < PROBE_RULE_COUNT; i++) {
		json_t *object = json_object();

		member_text(object, "rule", probe_rule_text((enum probe_rule)i));
		member_text(object, "verdict", probe_verdict_text(probe->rules[i].verdict));
		member_text(object, "detail", probe->rules[i].detail);
		json_array_append_new(list, object);
	}
	return list;
}

static void tell_json(const struct probe *probe)
{
	json_t *object = json_object();

	member_bool(object, "good", probe_failures(probe) == 0);
	member_json(object, "rules", rules_json(probe));
	member_json(object, "plugin", manifest_json(probe));
	member_int(object, "start_us", probe->instance ? instance_start_us(probe->instance) : 0);
	output_json(object);
	json_decref(object);
}

static void print_formats(const char *verb, const struct manifest_formats *formats)
{
	if (formats->count == 0)
		return;
	printf("It %s its state in format ", verb);
	for (size_t i = 0; i < formats->count; i++)
		printf("%s%" PRIu32, i > 0 ? ", " : "", formats->versions[i]);
	printf(".\n");
}

/* What lies in the manifest besides methods. */
static void print_state(const struct manifest *manifest)
{
	print_formats("exports", &manifest->state_exports);
	print_formats("imports", &manifest->state_imports);
	if (manifest->state_exports.count + manifest->state_imports.count > 0)
		putchar('\n');
}

static void tell_text(const struct probe *probe)
{
	static const char *const headings[] = {"VERDICT", "RULE", "DETAIL", NULL};
	struct table *table = table_new(headings);
	json_t *plugins = json_array();

	for (unsigned i = 0; i < PROBE_RULE_COUNT; i++) {
		table_add(table, probe_verdict_text(probe->rules[i].verdict));
		table_add(table, probe_rule_text((enum probe_rule)i));
		table_add(table, probe->rules[i].detail[0] ? probe->rules[i].detail : "-");
	}
	table_print(table, "");
	putchar('\n');
	if (probe->rules[PROBE_MANIFEST].verdict == PROBE_OK) {
		json_array_append_new(plugins, manifest_json(probe));
		show_methods(plugins);
		putchar('\n');
		print_state(instance_manifest(probe->instance));
	}
	json_decref(plugins);
	if (probe_failures(probe) == 0)
		printf("%s is good.\n", probe->plugin->executable);
	else
		printf("%s breaks a rule.\n", probe->plugin->executable);
}

/* ---- the subcommand ---- */

static enum exit_status check_plugin(const struct plugctl *plugctl, const struct check *check)
{
	struct spawner *spawner;
	struct loop *loop;
	enum exit_status status;
	struct probe probe;
	struct echo echo;
	struct err err;

	spawner = spawner_new(&(struct spawner_duty){0}, &err);
	if (!spawner) {
		output_error(&err);
		return STATUS_FAILED;
	}
	loop = loop_new();
	if (!loop || echo_open(&echo, loop, &err) < 0) {
		fprintf(stderr, "plugctl: no event loop: %s.\n", strerror(errno));
		loop_free(loop);
		spawner_free(spawner);
		return STATUS_FAILED;
	}
	signal(SIGPIPE, SIG_IGN); /* a plugin that is gone is a verdict, not our end */
	probe_run(&probe, spawner, loop, echo.log, &check->plugin);
	echo_close(&echo);
	if (plugctl->is_json)
		tell_json(&probe);
	else
		tell_text(&probe);
	status = probe_failures(&probe) > 0 ? STATUS_FAILED : STATUS_OK;
	probe_deinit(&probe);
	spawner_free(spawner);
	loop_free(loop);
	return status;
}

enum exit_status run_check(const struct plugctl *plugctl, const struct args *args)
{
	const char *config = args_value(args, "config");
	enum exit_status status = STATUS_FAILED;
	struct check check = {0};
	struct err err;

	if (!take_options(&check, args)) {
		arena_deinit(&check.arena);
		return STATUS_USAGE;
	}
	check.plugin.executable = realpath(args->operands[0], NULL);
	if (!check.plugin.executable) {
		err_set_errno(&err, ERR_EXECUTABLE_REFUSED, errno, "%s", args->operands[0]);
		output_error(&err);
	} else if (!config || take_config(&check, config) == 0) {
		status = check_plugin(plugctl, &check);
	}
	free(check.plugin.executable);
	arena_deinit(&check.arena);
	return status;
}
