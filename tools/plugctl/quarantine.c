/* The requests that a host refuses because a plugin died of them: a table of them, and their
 * release. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "base/member.h"
#include "output.h"
#include "subcommand.h"

const struct arg_option quarantine_options[] = {
	{"release", 0, "REQUEST", "lets that request pass again"},
	{"release-all", 0, NULL, "lets all pass again, of the plugin if one is named"},
	{NULL},
};

static void print_quarantine(const json_t *result)
{
	static const char *const headings[] = {"REQUEST", "PLUGIN",  "METHOD", "STATE",
					       "DEATHS",  "REFUSED", "LEFT",   NULL};
	struct table *table = table_new(headings);
	char text[OUTPUT_TEXT];
	json_t *request;
	size_t i;

	json_array_foreach (result, i, request) {
		table_add(table, output_member(request, "request"));
		table_add(table, output_member(request, "plugin"));
		table_add(table, output_member(request, "method"));
		table_add(table, output_member(request, "state"));
		table_addf(table, "%" PRId64, output_number(request, "deaths"));
		table_addf(table, "%" PRId64, output_number(request, "refused"));
		table_add(table, output_ms(text, output_number(request, "left_ms")));
	}
	table_print(table, "No request is in quarantine, and none is suspected.");
}

static void print_release(const json_t *result)
{
	printf("%" PRId64 " released\n", output_number(result, "released"));
}

enum exit_status run_quarantine(const struct plugctl *plugctl, const struct args *args)
{
	const char *request = args_value(args, "release");
	json_t *wanted = ask_plugin(args);

	if (!request && !args_has(args, "release-all"))
		return ask_and_show(plugctl, "quarantine", wanted, print_quarantine);
	if (request && args_has(args, "release-all")) {
		json_decref(wanted);
		return usage_error("--release names one request, --release-all means all of them");
	}
	if (request) {
		wanted = wanted ? wanted : json_object();
		member_text(wanted, "request", request);
	}
	return ask_and_show(plugctl, "release", wanted, print_release);
}
