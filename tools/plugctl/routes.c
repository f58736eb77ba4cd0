/* Which requests go where: the routes of a host as a table, or what becomes of one request and why,
 * asked of a host or told from a file without one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/matching.h"
#include "ask.h"
#include "base/buf.h"
#include "base/member.h"
#include "config/config.h"
#include "output.h"
#include "subcommand.h"

const struct arg_option routes_options[] = {
	{"match", 'm', "REQUEST",
	 "which route that request takes, and why no other: 'GET /x', 'GET https://example.com/x'"},
	{"config", 'c', "FILE", "with --match: by that file, without a host"},
	{NULL},
};

/* "GET, POST"; `none` for an empty list. Copied into the table. */
static void add_list(struct table *table, const json_t *list, const char *none)
{
	struct buf joined = {0};
	json_t *text;
	size_t i;

	json_array_foreach (list, i, text)
		buf_printf(&joined, "%s%s", i > 0 ? ", " : "", json_string_value(text));
	buf_append(&joined, "", 1);
	table_add(table, i > 0 ? (const char *)buf_front(&joined) : none);
	buf_deinit(&joined);
}

/* "https://a.example, b.example"; "any" without either. */
static void add_place(struct table *table, const json_t *route)
{
	const json_t *hosts = json_object_get(route, "hosts");
	const char *scheme = output_member(route, "scheme");
	struct buf joined = {0};
	json_t *host;
	size_t i;

	if (strcmp(scheme, "any") == 0) {
		add_list(table, hosts, "any");
		return;
	}
	buf_printf(&joined, "%s://", scheme);
	json_array_foreach (hosts, i, host)
		buf_printf(&joined, "%s%s", i > 0 ? ", " : "", json_string_value(host));
	buf_append_str(&joined, str_from(i > 0 ? "" : "any"));
	buf_append(&joined, "", 1);
	table_add(table, (const char *)buf_front(&joined));
	buf_deinit(&joined);
}

static void add_route(struct table *table, const json_t *route)
{
	add_list(table, json_object_get(route, "methods"), "any");
	add_place(table, route);
	table_add(table, output_member(route, "path"));
	table_add(table, output_member(route, "plugin"));
	table_add(table, output_member(route, "target"));
}

/* ---- all routes ---- */

static void print_routes(const json_t *result)
{
	static const char *const headings[] = {"METHODS", "HOSTS",    "PATH",	 "PLUGIN",
					       "TARGET",  "RESOLVED", "WHY NOT", NULL};
	struct table *table = table_new(headings);
	json_t *route;
	size_t i;

	json_array_foreach (result, i, route) {
		add_route(table, route);
		table_add(table, json_is_true(json_object_get(route, "resolved")) ? "yes" : "no");
		table_add(table, output_member(route, "why_not"));
	}
	table_print(table, "No route is configured.");
}

/* ---- one request ---- */

static void print_request(const json_t *result)
{
	const json_t *request = json_object_get(result, "request");
	const char *host = json_string_value(json_object_get(request, "host"));
	struct buf line = {0};
	const char *name;
	json_t *value;

	buf_printf(&line, "%s %s://%s%s: %s", output_member(request, "method"),
		   output_member(request, "scheme"), host && *host ? host : "(no host)",
		   output_member(request, "path"), output_member(result, "verdict"));
	json_object_foreach (json_object_get(result, "params"), name, value)
		buf_printf(&line, ", %s=%s", name, json_string_value(value));
	buf_append(&line, "", 1);
	output_line((const char *)buf_front(&line));
	buf_deinit(&line);
}

static void print_match(const json_t *result)
{
	static const char *const headings[] = {"WINS",	 "METHODS", "HOSTS", "PATH",
					       "PLUGIN", "TARGET",  "WHY",   NULL};
	struct table *table = table_new(headings);
	json_t *candidate;
	size_t i;

	print_request(result);
	json_array_foreach (json_object_get(result, "candidates"), i, candidate) {
		table_add(table, json_is_true(json_object_get(candidate, "wins")) ? "yes" : "no");
		add_route(table, candidate);
		table_add(table, output_member(candidate, "why"));
	}
	table_print(table, "No route has such a path.");
}

static enum exit_status show_match(const struct plugctl *plugctl, const struct config *config,
				   const char *request)
{
	struct err err;
	json_t *result = matching_json(&config->edge, request, &err);

	if (!result) {
		output_error(&err);
		return STATUS_FAILED;
	}
	if (plugctl->is_json)
		output_json(result);
	else
		print_match(result);
	json_decref(result);
	return STATUS_OK;
}

static enum exit_status match_in_file(const struct plugctl *plugctl, const char *file,
				      const char *request)
{
	struct config_overrides overrides = {.environment = environ};
	struct config_errors errors = {0};
	struct config config = {0};
	enum exit_status status = STATUS_FAILED;

	if (config_load(file, &overrides, &config, &errors) < 0)
		config_errors_print(&errors, stderr);
	else
		status = show_match(plugctl, &config, request);
	config_errors_free(&errors);
	config_free(&config);
	return status;
}

enum exit_status run_routes(const struct plugctl *plugctl, const struct args *args)
{
	const char *request = args_value(args, "match");
	const char *file = args_value(args, "config");
	json_t *wanted;

	if (file && !request)
		return usage_error("--config needs --match");
	if (file)
		return match_in_file(plugctl, file, request);
	if (!request)
		return ask_and_show(plugctl, "routes", NULL, print_routes);
	wanted = json_object();
	member_text(wanted, "match", request);
	return ask_and_show(plugctl, "routes", wanted, print_match);
}
