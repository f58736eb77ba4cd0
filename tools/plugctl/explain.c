/* The walls around a plugin, one line each, and what each lets through. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/member.h"
#include "output.h"
#include "subcommand.h"

/* "limit 64", "uid 1879048192", "" */
static const char *detail_of(const json_t *row, char *out, size_t size)
{
	const char *why = output_member(row, "why");

	*out = '\0';
	if (json_object_get(row, "why"))
		snprintf(out, size, "%s", why);
	else if (json_object_get(row, "uid"))
		snprintf(out, size, "uid %" PRId64 ", gid %" PRId64, output_number(row, "uid"),
			 output_number(row, "gid"));
	else if (json_object_get(row, "limit"))
		snprintf(out, size, "at most %" PRId64, output_number(row, "limit"));
	else if (json_object_get(row, "allowed"))
		snprintf(out, size, "%zu allowed, listed below",
			 json_array_size(json_object_get(row, "allowed")));
	return out;
}

static void print_allowed(const json_t *row)
{
	const json_t *allowed = json_object_get(row, "allowed");
	json_t *item;
	size_t i;

	if (json_array_size(allowed) == 0)
		return;
	printf("\n%s:\n", output_member(row, "wall"));
	json_array_foreach (allowed, i, item)
		printf("  %s\n", json_string_value(item));
}

static void print_walls(const json_t *result)
{
	static const char *const headings[] = {"WALL", "STATE", "DETAIL", "THE PLUGIN", NULL};
	struct table *table = table_new(headings);
	const json_t *walls = json_object_get(result, "walls");
	char text[128];
	json_t *row;
	size_t i;

	printf("%s: sandbox %s%s\n\n", output_member(result, "plugin"),
	       output_member(result, "profile"),
	       json_is_true(json_object_get(result, "required")) ? ", required" : "");
	json_array_foreach (walls, i, row) {
		table_add(table, output_member(row, "wall"));
		table_add(table, output_member(row, "state"));
		table_add(table, detail_of(row, text, sizeof(text)));
		table_add(table, output_member(row, "means"));
	}
	table_print(table, "");
	json_array_foreach (walls, i, row)
		print_allowed(row);
}

enum exit_status run_explain(const struct plugctl *plugctl, const struct args *args)
{
	return ask_and_show(plugctl, "explain", ask_plugin(args), print_walls);
}
