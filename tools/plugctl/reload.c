/* `plugctl reload`: asks for a reload, or what one would do, and shows what is different. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/member.h"
#include "output.h"
#include "progress.h"
#include "subcommand.h"

const struct arg_option reload_options[] = {
	{"dry-run", 'n', NULL, "only tell what is different, and how it would be taken over"},
	{NULL},
};

/* In the order in which they are shown, with what a heading says of them. */
static const struct {
	const char *apply;
	const char *heading;
} classes[] = {
	{"restart", "needs a restart of plugd"},
	{"listener", "addresses"},
	{"plugin", "plugins that come or go"},
	{"swap", "a new generation takes over"},
	{"config", "running plugins are asked to take it"},
	{"live", "in force at once"},
};

static void print_change(const json_t *change)
{
	const json_t *before = json_object_get(change, "before");
	const json_t *after = json_object_get(change, "after");
	char *line;

	printf("  ");
	if (json_is_null(before))
		line = mem_printf("%s: new: %s", output_member(change, "setting"),
				  output_member(change, "after"));
	else if (json_is_null(after))
		line = mem_printf("%s: gone: %s", output_member(change, "setting"),
				  output_member(change, "before"));
	else
		line = mem_printf("%s: %s -> %s", output_member(change, "setting"),
				  output_member(change, "before"), output_member(change, "after"));
	output_line(line);
	free(line);
}

static void print_class(const json_t *changes, const char *apply, const char *heading)
{
	bool has_heading = false;
	size_t i;
	json_t *change;

	json_array_foreach (changes, i, change) {
		if (strcmp(output_member(change, "apply"), apply) != 0)
			continue;
		if (!has_heading)
			printf("%s:\n", heading);
		has_heading = true;
		print_change(change);
	}
}

static void print_text(const json_t *result)
{
	const json_t *changes = json_object_get(result, "changes");
	size_t count = json_array_size(changes);
	char took[OUTPUT_TEXT];

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		print_class(changes, classes[i].apply, classes[i].heading);
	if (json_is_true(json_object_get(result, "dry_run")))
		printf("%zu %s; nothing was done\n", count,
		       count == 1 ? "difference" : "differences");
	else
		printf("%zu %s in force (%s)\n", count, count == 1 ? "change is" : "changes are",
		       output_us(took, output_number(result, "took_us")));
}

/* Of a dry run: the reload would not even begin. */
static enum exit_status tell_refused(const json_t *refused)
{
	struct err err;

	if (!json_is_object(refused))
		return STATUS_OK;
	err_set(&err, (int)output_number(refused, "code"), "it would be refused: %s",
		output_member(refused, "message"));
	output_error(&err);
	return STATUS_FAILED;
}

enum exit_status run_reload(const struct plugctl *plugctl, const struct args *args)
{
	json_t *request = json_object();
	enum exit_status status;
	json_t *result;

	member_bool(request, "dry_run", args_has(args, "dry-run"));
	if (progress_watch(plugctl, "reload", request, &result) < 0)
		return STATUS_FAILED;
	if (plugctl->is_json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_text(result);
	}
	status = tell_refused(json_object_get(result, "refused"));
	json_decref(result);
	return status;
}
