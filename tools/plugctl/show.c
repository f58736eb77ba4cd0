/* What a running host shows: status, plugins, instances; and what it did at a restart. Each
 * asks once and prints a table or a line, or the reply itself as JSON. Knows the members of the
 * replies that host/admin/views.c makes; what is missing prints as "-". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/buf.h"
#include "output.h"
#include "subcommand.h"

/* ---- status ---- */

static void join(struct buf *out, const char *text)
{
	if (buf_len(out) > 0)
		buf_append(out, ", ", 2);
	buf_append(out, text, strlen(text));
}

static void add_joined(struct table *table, const char *name, struct buf *joined)
{
	table_add(table, name);
	buf_append(joined, "", 1);
	table_add(table, buf_len(joined) > 1 ? (const char *)buf_front(joined) : "none");
	buf_deinit(joined);
}

static void add_listeners(struct table *table, const json_t *listeners)
{
	struct buf joined = {0};
	json_t *value;
	size_t i;

	json_array_foreach (listeners, i, value)
		join(&joined, json_string_value(value));
	add_joined(table, "listens on", &joined);
}

static void add_plugin_counts(struct table *table, json_t *counts)
{
	struct buf joined = {0};
	const char *state;
	json_t *count;

	json_object_foreach (counts, state, count) {
		char text[64];

		snprintf(text, sizeof(text), "%" PRId64 " %.40s",
			 (int64_t)json_integer_value(count), state);
		join(&joined, text);
	}
	add_joined(table, "plugins", &joined);
}

static void add_number(struct table *table, const json_t *result, const char *label,
		       const char *name)
{
	table_add(table, label);
	table_addf(table, "%" PRId64, output_number(result, name));
}

/* "user 998, group 998, no new privileges; its spawner is root" */
static void add_rights(struct table *table, const json_t *rights)
{
	table_add(table, "runs as");
	table_addf(table, "user %" PRId64 ", group %" PRId64 "%s; its spawner is %s",
		   output_number(rights, "uid"), output_number(rights, "gid"),
		   json_is_true(json_object_get(rights, "no_new_privs")) ? ", no new privileges"
									 : "",
		   output_member(rights, "spawner"));
}

static void print_status(const json_t *result)
{
	const char *headings[] = {"plugd", output_member(result, "version"), NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];

	add_number(table, result, "pid", "pid");
	table_add(table, "ready");
	table_add(table, json_is_true(json_object_get(result, "ready")) ? "yes" : "no");
	table_add(table, "up for");
	table_add(table, output_ms(text, output_number(result, "uptime_ms")));
	add_listeners(table, json_object_get(result, "listeners"));
	add_plugin_counts(table, json_object_get(result, "plugins"));
	add_number(table, result, "connections", "connections");
	add_number(table, result, "open calls", "calls_open");
	add_rights(table, json_object_get(result, "rights"));
	table_add(table, "memory");
	table_add(table, output_bytes(text, output_number(result, "rss_bytes")));
	add_number(table, result, "descriptors", "descriptors");
	add_number(table, result, "log lines lost", "log_lines_lost");
	table_print(table, "");
}

enum exit_status run_status(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "status", NULL, print_status);
}

/* ---- plugins ---- */

/* How many calls run at once, and of how many where that is learned. */
static void add_limit(struct table *table, const json_t *plugin)
{
	int64_t limit = output_number(plugin, "concurrency");

	if (json_is_true(json_object_get(plugin, "concurrency_is_adaptive")))
		table_addf(table, "%" PRId64 "/%" PRId64, limit,
			   output_number(plugin, "concurrency_configured"));
	else
		table_addf(table, "%" PRId64, limit);
}

static void add_plugin(struct table *table, const json_t *plugin)
{
	table_add(table, output_member(plugin, "name"));
	table_add(table, output_member(plugin, "state"));
	table_add(table, output_member(json_object_get(plugin, "breaker"), "state"));
	table_addf(table, "%" PRId64 "/%" PRId64, output_number(plugin, "instances_ready"),
		   output_number(plugin, "instances_configured"));
	table_add(table, output_member(plugin, "swap_step"));
	add_limit(table, plugin);
	table_add(table, output_member(plugin, "version"));
	table_add(table, json_is_true(json_object_get(plugin, "expose")) ? "yes" : "no");
	table_addf(table, "%" PRId64, output_number(plugin, "calls_total"));
	table_addf(table, "%" PRId64, output_number(plugin, "restarts"));
	table_add(table, output_member(json_object_get(plugin, "last_failure"), "message"));
}

static const char *streams_of(const json_t *method)
{
	bool client = json_is_true(json_object_get(method, "client_streams"));
	bool server = json_is_true(json_object_get(method, "server_streams"));

	if (client && server)
		return "both ways";
	if (client || server)
		return client ? "in" : "out";
	return "-";
}

static void add_methods(struct table *table, const json_t *plugin, const json_t *service)
{
	json_t *method;
	size_t i;

	json_array_foreach (json_object_get(service, "methods"), i, method) {
		table_addf(table, "%s/%s", output_member(service, "name"),
			   output_member(method, "name"));
		table_add(table, output_member(plugin, "name"));
		table_add(table, output_member(method, "codec"));
		table_add(table, streams_of(method));
		table_add(table, output_member(method, "input_type"));
		table_add(table, output_member(method, "output_type"));
	}
}

void show_methods(const json_t *plugins)
{
	static const char *const headings[] = {"METHOD", "PLUGIN", "CODEC", "STREAMS",
					       "TAKES",	 "GIVES",  NULL};
	struct table *table = table_new(headings);
	json_t *plugin;
	json_t *service;
	size_t i;
	size_t j;

	json_array_foreach (plugins, i, plugin) {
		json_array_foreach (json_object_get(plugin, "services"), j, service)
			add_methods(table, plugin, service);
	}
	table_print(table, "No plugin provides a method.");
}

static void print_plugins(const json_t *result)
{
	static const char *const headings[] = {"NAME",	"STATE",    "BREAKER",	    "READY",
					       "SWAP",	"LIMIT",    "VERSION",	    "EXPOSED",
					       "CALLS", "RESTARTS", "LAST FAILURE", NULL};
	struct table *table = table_new(headings);
	json_t *plugin;
	size_t i;

	json_array_foreach (result, i, plugin)
		add_plugin(table, plugin);
	table_print(table, "No plugin is configured.");
	putchar('\n');
	show_methods(result);
}

enum exit_status run_plugins(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "plugins", ask_plugin(args), print_plugins);
}

/* ---- instances ---- */

/* What it says of its health, when it says something. */
static const char *why_of(const json_t *instance)
{
	const char *message = output_member(instance, "health_message");

	return message[0] ? message : "-";
}

static void add_instance(struct table *table, const json_t *instance)
{
	char text[OUTPUT_TEXT];

	table_add(table, output_member(instance, "plugin"));
	table_add(table, output_member(instance, "id"));
	if (json_is_null(json_object_get(instance, "id"))) {
		table_add(table, "-");
		table_add(table, output_member(instance, "state"));
		for (int i = 0; i < 6; i++)
			table_add(table, "-");
		table_add(table, output_member(json_object_get(instance, "reason"), "message"));
		return;
	}
	table_addf(table, "%" PRId64, output_number(instance, "pid"));
	table_add(table, output_member(instance, "state"));
	table_add(table, output_member(instance, "health"));
	table_add(table, output_ms(text, output_number(instance, "for_ms")));
	table_addf(table, "%" PRId64, output_number(instance, "calls_live"));
	table_addf(table, "%" PRId64, output_number(instance, "calls_total"));
	table_add(table, output_us(text, output_number(instance, "start_us")));
	table_add(table, output_bytes(text, output_number(instance, "rss_bytes")));
	table_add(table, why_of(instance));
}

static void print_instances(const json_t *result)
{
	static const char *const headings[] = {"PLUGIN",     "INSTANCE", "PID",	   "STATE",
					       "HEALTH",     "FOR",	 "LIVE",   "CALLS",
					       "STARTED IN", "MEMORY",	 "REASON", NULL};
	struct table *table = table_new(headings);
	json_t *instance;
	size_t i;

	json_array_foreach (result, i, instance)
		add_instance(table, instance);
	table_print(table, "No instance runs.");
}

enum exit_status run_instances(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "instances", ask_plugin(args), print_instances);
}

/* ---- restart ---- */

static void print_restart(const json_t *result)
{
	printf("%s: %" PRId64 " started, %" PRId64 " left running\n",
	       output_member(result, "plugin"), output_number(result, "started"),
	       output_number(result, "left_running"));
}

enum exit_status run_restart(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "restart", ask_plugin(args), print_restart);
}
