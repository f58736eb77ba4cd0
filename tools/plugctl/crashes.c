/* The crashes that a host keeps: a table of them, or all of one, told as one would tell it. Knows
 * the members that host/plugin/capsule.c writes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/member.h"
#include "output.h"
#include "subcommand.h"

const struct arg_option crashes_options[] = {
	{"show", 0, "ID", "all of one crash"},
	{"last", 0, NULL, "all of the newest one"},
	{NULL},
};

/* ---- the table ---- */

static void print_crashes(const json_t *result)
{
	static const char *const headings[] = {
		"ID", "INSTANCE", "HOW IT ENDED", "LIVED", "CALLS", "REASON", NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];
	json_t *crash;
	size_t i;

	json_array_foreach (result, i, crash) {
		table_add(table, output_member(crash, "id"));
		table_add(table, output_member(crash, "instance"));
		table_add(table, output_member(crash, "how"));
		table_add(table, output_us(text, output_number(crash, "lived_us")));
		table_addf(table, "%" PRId64, output_number(crash, "calls_in_flight"));
		table_add(table, output_member(json_object_get(crash, "reason"), "message"));
	}
	table_print(table, "No crash is kept.");
}

/* ---- one of them ---- */

static void print_facts(const json_t *crash)
{
	const json_t *build = json_object_get(crash, "build");
	const json_t *usage = json_object_get(crash, "usage");
	const char *headings[] = {"crash", output_member(crash, "id"), NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];

	table_add(table, "plugin");
	table_addf(table, "%s %s", output_member(crash, "plugin"), output_member(build, "version"));
	table_add(table, "instance");
	table_addf(table, "%s, pid %" PRId64, output_member(crash, "instance"),
		   output_number(crash, "pid"));
	table_add(table, "ended");
	table_addf(table, "%s at %s", output_member(crash, "how"), output_member(crash, "at"));
	table_add(table, "reason");
	table_add(table, output_member(json_object_get(crash, "reason"), "message"));
	table_add(table, "lived");
	table_add(table, output_us(text, output_number(crash, "lived_us")));
	table_add(table, "calls");
	table_addf(table, "%" PRId64 ", %" PRId64 " in flight", output_number(crash, "calls_total"),
		   output_number(crash, "calls_in_flight"));
	table_add(table, "CPU, user");
	table_add(table, output_us(text, output_number(usage, "user_us")));
	table_add(table, "CPU, system");
	table_add(table, output_us(text, output_number(usage, "system_us")));
	table_add(table, "memory at most");
	table_add(table, output_bytes(text, output_number(usage, "max_rss_bytes")));
	table_add(table, "executable");
	table_add(table, output_member(build, "executable"));
	table_add(table, "hash");
	table_add(table, output_member(build, "hash"));
	table_print(table, "");
}

static const char *yes_no(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name)) ? "yes" : "no";
}

static void print_calls(const json_t *crash)
{
	static const char *const headings[] = {"CALL IN FLIGHT", "METHOD",    "AGE", "DELIVERED",
					       "ANSWER BEGUN",	 "CANCELLED", NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];
	json_t *call;
	size_t i;

	json_array_foreach (json_object_get(crash, "calls"), i, call) {
		table_addf(table, "%" PRId64, output_number(call, "id"));
		table_add(table, output_member(call, "method"));
		table_add(table, output_us(text, output_number(call, "age_us")));
		table_add(table, yes_no(call, "delivered"));
		table_add(table, yes_no(call, "answer_begun"));
		table_add(table, yes_no(call, "cancelled"));
	}
	table_print(table, "No call was in flight.");
}

static void print_frames(const json_t *crash)
{
	static const char *const headings[] = {"FRAME", "FROM",		  "CALL",
					       "BYTES", "BEFORE THE END", NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];
	json_t *frame;
	size_t i;

	json_array_foreach (json_object_get(crash, "frames"), i, frame) {
		table_add(table, output_member(frame, "kind"));
		table_add(table, output_member(frame, "from"));
		table_addf(table, "%" PRId64, output_number(frame, "call"));
		table_addf(table, "%" PRId64, output_number(frame, "bytes"));
		table_add(table, output_us(text, output_number(frame, "ago_us")));
	}
	table_print(table, "It never got or sent a frame.");
}

static void print_stderr(const json_t *crash)
{
	json_t *lines = json_object_get(crash, "stderr");
	json_t *line;
	size_t i;

	puts(json_array_size(lines) > 0 ? "Last lines of its standard error:"
					: "It wrote nothing to its standard error.");
	json_array_foreach (lines, i, line)
		output_line(json_string_value(line));
}

static void print_crash(const json_t *crash)
{
	print_facts(crash);
	putchar('\n');
	print_stderr(crash);
	putchar('\n');
	print_calls(crash);
	putchar('\n');
	print_frames(crash);
}

/* ---- asking ---- */

/* The name of the newest one. Returns owned; NULL: it is said why not. */
static char *newest_id(const struct plugctl *plugctl, const struct args *args)
{
	json_t *list = ask_for(plugctl, "crashes", ask_plugin(args));
	const char *id = json_string_value(json_object_get(json_array_get(list, 0), "id"));
	char *copy = id ? strdup(id) : NULL;

	if (list && !id)
		output_note("plugctl", "no crash is kept");
	json_decref(list);
	return copy;
}

static enum exit_status show_crash(const struct plugctl *plugctl, const char *id)
{
	json_t *request = json_object();

	member_text(request, "id", id);
	return ask_and_show(plugctl, "crashes", request, print_crash);
}

enum exit_status run_crashes(const struct plugctl *plugctl, const struct args *args)
{
	const char *id = args_value(args, "show");
	enum exit_status status;
	char *newest;

	if (id && (args_has(args, "last") || args->operand_count > 0))
		return usage_error("--show names one crash: no plugin and no --last beside it");
	if (id)
		return show_crash(plugctl, id);
	if (!args_has(args, "last"))
		return ask_and_show(plugctl, "crashes", ask_plugin(args), print_crashes);
	newest = newest_id(plugctl, args);
	status = newest ? show_crash(plugctl, newest) : STATUS_FAILED;
	free(newest);
	return status;
}
