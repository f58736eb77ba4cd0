/* `plugctl swap` and `plugctl rollback`: asks for a swap and shows how far it is. */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/member.h"
#include "base/units.h"
#include "client.h"
#include "observe/errors.h"
#include "output.h"
#include "progress.h"
#include "subcommand.h"

const struct arg_option swap_options[] = {
	{"executable", 'e', "PATH", "run this one [the configured executable, as it is now]"},
	{"state", 0, NULL, "the old generation hands its state over; calls wait meanwhile"},
	{"canary", 0, "PERCENT", "first only this share of the calls, such as 5% or 0.5%"},
	{"canary-key", 0, "HEADER", "requests with the same value stay together [by chance]"},
	{"for", 0, "DURATION", "how long the canary lasts [30s]"},
	{"max-errors", 0, "PERCENT", "how many more of its calls may fail [1%]"},
	{"max-p99", 0, "DURATION", "the slowest p99 of its calls [twice the old one's]"},
	{"drain-timeout", 0, "DURATION", "time for the old calls to end [as configured]"},
	{"abort", 0, NULL, "give up the swap that is under way, if it has not switched"},
	{NULL},
};

const struct arg_option rollback_options[] = {
	{"state", 0, NULL, "the generation that serves hands its state back"},
	{"drain-timeout", 0, "DURATION", "time for the old calls to end [as configured]"},
	{NULL},
};

/* ---- asking ---- */

/* False: the command line is wrong, and that was said. */
static bool take_duration(const struct args *args, const char *name, json_t *request,
			  const char *member)
{
	const char *text = args_value(args, name);
	int64_t ms;

	if (!text)
		return true;
	if (!units_parse_duration_ms(str_from(text), &ms))
		return usage_error("\"%s\" is no duration; write 500ms, 3s or 1m", text), false;
	member_int(request, member, ms);
	return true;
}

/* "5%" as 50 permille. False as above. */
static bool take_percent(const struct args *args, const char *name, json_t *request,
			 const char *member)
{
	const char *text = args_value(args, name);
	char *end;
	double percent;

	if (!text)
		return true;
	percent = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
		return usage_error("\"%s\" is no share; write 5%% or 0.5%%", text), false;
	member_int(request, member, (int64_t)(percent * 10 + 0.5));
	return true;
}

/* Names of headers have no case; the host compares them in lower case. */
static void put_lower(json_t *request, const char *member, const char *text)
{
	char *lower = mem_strdup(text);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	member_text(request, member, lower);
	free(lower);
}

static bool take_canary(const struct args *args, json_t *request)
{
	const char *given = args_value(args, "canary");

	if (args_has(args, "canary-key"))
		put_lower(request, "canary_key", args_value(args, "canary-key"));
	if (!given && (args_has(args, "canary-key") || args_has(args, "for") ||
		       args_has(args, "max-errors") || args_has(args, "max-p99")))
		return usage_error("--canary-key, --for, --max-errors and --max-p99 belong to "
				   "--canary"),
		       false;
	return take_percent(args, "canary", request, "canary_permille") &&
	       take_duration(args, "for", request, "canary_ms") &&
	       take_percent(args, "max-errors", request, "max_errors_permille") &&
	       take_duration(args, "max-p99", request, "max_p99_ms");
}

/* The host's working directory is another one. */
static bool take_path(const struct args *args, json_t *request)
{
	const char *path = args_value(args, "executable");
	char here[PATH_MAX];

	if (!path)
		return true;
	if (path[0] == '/') {
		member_text(request, "executable", path);
		return true;
	}
	if (!getcwd(here, sizeof(here)))
		return usage_error("the path \"%s\" can't be made absolute", path), false;
	json_object_set_new(request, "executable", json_sprintf("%s/%s", here, path));
	return true;
}

static void print_result(const struct plugctl *plugctl, const json_t *result)
{
	char took[OUTPUT_TEXT];

	if (plugctl->is_json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	output_us(took, output_number(result, "took_us"));
	printf("%s: generation %" PRId64 " serves, the one before has ended (%s)\n",
	       output_member(result, "plugin"), output_number(result, "generation"), took);
}

static enum exit_status watch(const struct plugctl *plugctl, const char *command, json_t *request)
{
	json_t *result;

	if (progress_watch(plugctl, command, request, &result) < 0)
		return STATUS_FAILED;
	print_result(plugctl, result);
	json_decref(result);
	return STATUS_OK;
}

static enum exit_status run_abort(const struct plugctl *plugctl, json_t *request)
{
	struct client client;
	struct err err;
	json_t *result;
	int r = client_open(&client, plugctl->socket, &err);

	if (r == 0) {
		r = client_ask(&client, "abort", request, &result, &err);
		client_close(&client);
	} else {
		json_decref(request);
	}
	if (r < 0) {
		output_error(&err);
		return STATUS_FAILED;
	}
	printf("%s: the swap is given up, the old generation serves\n",
	       output_member(result, "plugin"));
	json_decref(result);
	return STATUS_OK;
}

enum exit_status run_swap(const struct plugctl *plugctl, const struct args *args)
{
	json_t *request = json_object();

	member_text(request, "plugin", args->operands[0]);
	if (args_has(args, "abort"))
		return run_abort(plugctl, request);
	member_bool(request, "state", args_has(args, "state"));
	if (!take_path(args, request) || !take_canary(args, request) ||
	    !take_duration(args, "drain-timeout", request, "drain_timeout_ms")) {
		json_decref(request);
		return STATUS_USAGE;
	}
	return watch(plugctl, "swap", request);
}

enum exit_status run_rollback(const struct plugctl *plugctl, const struct args *args)
{
	json_t *request = json_object();

	member_text(request, "plugin", args->operands[0]);
	member_bool(request, "state", args_has(args, "state"));
	if (!take_duration(args, "drain-timeout", request, "drain_timeout_ms")) {
		json_decref(request);
		return STATUS_USAGE;
	}
	return watch(plugctl, "rollback", request);
}
