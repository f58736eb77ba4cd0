/* The table of what an operator may ask of the host. Most only look; "call" is in trial.c. Called
 * by the admin socket with whatever came in: every argument is held against its row before a
 * command sees it. */
#include "admin/commands.h"

#include <string.h>

#include "admin/matching.h"
#include "admin/postmortem.h"
#include "admin/reloading.h"
#include "admin/rollout.h"
#include "admin/route_views.h"
#include "admin/trial.h"
#include "admin/views.h"
#include "admin/walls.h"
#include "admin/whitelisting.h"
#include "base/member.h"
#include "observe/errors.h"

/* ---- the commands that only look ---- */

static struct answered run_status(struct office *office, const json_t *args, struct reply *reply)
{
	return reply_ok(reply, view_status(office));
}

/* The target that the optional argument "plugin" names, NULL for none. False: there is no such
 * plugin. */
static bool take_plugin(const struct office *office, const json_t *args, struct target **out,
			struct err *err)
{
	const char *name = json_string_value(json_object_get(args, "plugin"));

	*out = name ? office_find_target(office, name) : NULL;
	if (name && !*out)
		err_set(err, ERR_CONFIG_REFERENCE, "no plugin is configured as \"%.100s\"", name);
	return !name || *out;
}

static struct answered run_plugins(struct office *office, const json_t *args, struct reply *reply)
{
	struct target *only;
	struct err err;

	if (!take_plugin(office, args, &only, &err))
		return reply_fail(reply, &err);
	return reply_ok(reply, view_plugins(office, only));
}

static struct answered run_instances(struct office *office, const json_t *args, struct reply *reply)
{
	struct target *only;
	struct err err;

	if (!take_plugin(office, args, &only, &err))
		return reply_fail(reply, &err);
	return reply_ok(reply, view_instances(office, only));
}

static struct answered run_routes(struct office *office, const json_t *args, struct reply *reply)
{
	const char *request = json_string_value(json_object_get(args, "match"));
	struct err err;
	json_t *answer;

	if (!request)
		return reply_ok(reply, view_routes(office));
	answer = matching_json(office->edge, request, &err);
	return answer ? reply_ok(reply, answer) : reply_fail(reply, &err);
}

/* ---- the commands that act ---- */

static struct answered run_restart(struct office *office, const json_t *args, struct reply *reply)
{
	struct target *target;
	struct err err;
	json_t *result;
	int started;

	if (!take_plugin(office, args, &target, &err))
		return reply_fail(reply, &err);
	if (!target->pool) {
		err_set(&err, ERR_PLUGIN_UNAVAILABLE, "the plugin %s is not enabled",
			target->plugin->name);
		return reply_fail(reply, &err);
	}
	started = pool_restart(target->pool, &err);
	if (started < 0)
		return reply_fail(reply, &err);
	result = json_object();
	member_text(result, "plugin", target->plugin->name);
	member_int(result, "started", started);
	member_int(result, "left_running", (int)pool_slot_count(target->pool) - started);
	return reply_ok(reply, result);
}

/* ---- help ---- */

static const char *type_name(enum command_type type)
{
	static const char *const names[] = {
		[COMMAND_TEXT] = "text",
		[COMMAND_COUNT] = "a whole number from 0",
		[COMMAND_BOOL] = "true or false",
	};

	return names[type];
}

static json_t *args_json(const struct command *command)
{
	json_t *list = json_array();

	for (const struct command_arg *arg = command->args; arg->name; arg++) {
		json_t *object = json_object();

		member_text(object, "name", arg->name);
		member_text(object, "type", type_name(arg->type));
		member_bool(object, "required", arg->is_required);
		member_text(object, "help", arg->help);
		json_array_append_new(list, object);
	}
	return list;
}

static struct answered run_help(struct office *office, const json_t *args, struct reply *reply)
{
	json_t *list = json_array();

	for (size_t i = 0; i < command_count; i++) {
		json_t *object = json_object();

		member_text(object, "command", commands[i].name);
		member_text(object, "help", commands[i].help);
		member_json(object, "args", args_json(&commands[i]));
		json_array_append_new(list, object);
	}
	return reply_ok(reply, list);
}

/* ---- the table ---- */

#define PLUGIN_ARG                                                                                 \
	{                                                                                          \
		"plugin", COMMAND_TEXT, false, "only this one, by its configured name"             \
	}

#define PLUGIN_NEEDED                                                                              \
	{                                                                                          \
		"plugin", COMMAND_TEXT, true, "which one, by its configured name"                  \
	}

#define DRAIN_ARG                                                                                  \
	{                                                                                          \
		"drain_timeout_ms", COMMAND_COUNT, false,                                          \
			"how long the old generation may finish its calls; as configured if left " \
			"out"                                                                      \
	}

#define STATE_ARG                                                                                  \
	{                                                                                          \
		"state", COMMAND_BOOL, false, "the old generation hands its state over"            \
	}

const struct command commands[] = {
	{"status", "how the host is doing", {{0}}, run_status},
	{"plugins",
	 "the configured plugins, what they provide and how they do",
	 {PLUGIN_ARG},
	 run_plugins},
	{"instances", "the plugins' processes", {PLUGIN_ARG}, run_instances},
	{"routes",
	 "which requests go where; or which route a request takes, and why no other",
	 {{"match", COMMAND_TEXT, false, "a request: GET /x, or GET https://example.com/x"}},
	 run_routes},
	{"restart",
	 "starts what is down of a plugin, with a fresh count of restarts; what runs is left alone",
	 {{"plugin", COMMAND_TEXT, true, "its configured name"}},
	 run_restart,
	 true},
	{"call",
	 "calls a method once, whether it is exposed or not",
	 {{"service", COMMAND_TEXT, true, "its full name: kv.v1.Kv"},
	  {"method", COMMAND_TEXT, true, "its name: Get"},
	  {"payload", COMMAND_TEXT, false,
	   "the request in the method's codec, as base64; empty if left out"},
	  {"timeout_ms", COMMAND_COUNT, false,
	   "until the call is given up; the plugin's timeout if left out"}},
	 trial_run,
	 true},
	{"swap",
	 "replaces a running plugin by a new generation of it, without a gap",
	 {PLUGIN_NEEDED,
	  {"executable", COMMAND_TEXT, false,
	   "an absolute path; the configured executable, as it is now, if left out"},
	  DRAIN_ARG,
	  STATE_ARG,
	  {"canary_permille", COMMAND_COUNT, false,
	   "so many of a thousand calls go to the new generation first; none if left out"},
	  {"canary_key", COMMAND_TEXT, false,
	   "a header in lower case: requests with the same value stay with one generation"},
	  {"canary_ms", COMMAND_COUNT, false, "for so long; 30000 if left out"},
	  {"max_errors_permille", COMMAND_COUNT, false,
	   "how many more of its calls may fail than of the old one's; 10 if left out"},
	  {"max_p99_ms", COMMAND_COUNT, false,
	   "the slowest p99 of its calls; twice the old one's if left out"}},
	 rollout_swap,
	 true},
	{"rollback",
	 "swaps back to the generation that served before",
	 {PLUGIN_NEEDED, DRAIN_ARG, STATE_ARG},
	 rollout_back,
	 true},
	{"abort",
	 "gives up a swap that has not switched yet",
	 {PLUGIN_NEEDED},
	 rollout_abort,
	 true},
	{"reload",
	 "takes over what has changed in the configuration on disk, all of it or nothing",
	 {{"dry_run", COMMAND_BOOL, false, "only tells what has changed"}},
	 reloading_run,
	 true},
	{"whitelist_reload",
	 "reads the whitelist again and judges by it what runs; one that is not well-formed "
	 "changes "
	 "nothing",
	 {{0}},
	 whitelisting_reload,
	 true},
	{"crashes",
	 "the crashes that are kept, the newest first, or all of one",
	 {PLUGIN_ARG, {"id", COMMAND_TEXT, false, "which one, of those that are listed"}},
	 postmortem_crashes},
	{"explain",
	 "the walls around a plugin: asked for, enforced, or missing and why",
	 {PLUGIN_NEEDED},
	 walls_explain},
	{"quarantine",
	 "the requests that are refused because the plugin died of them, and the suspects",
	 {PLUGIN_ARG},
	 postmortem_quarantine},
	{"release",
	 "lets requests that are in quarantine pass again",
	 {PLUGIN_ARG,
	  {"request", COMMAND_TEXT, false, "which one, of those that are listed; all if left out"}},
	 postmortem_release,
	 true},
	{"help", "these commands and their arguments", {{0}}, run_help},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* ---- asking for one ---- */

static const struct command *find(const char *name, struct err *err)
{
	const char *nearest = commands[0].name;

	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		if (str_distance(str_from(name), str_from(commands[i].name)) <
		    str_distance(str_from(name), str_from(nearest)))
			nearest = commands[i].name;
	}
	err_set(err, ERR_ADMIN_REQUEST, "no command \"%.60s\"; the nearest is \"%s\"", name,
		nearest);
	return NULL;
}

static const struct command_arg *find_arg(const struct command *command, const char *name)
{
	const struct command_arg *arg = command->args;

	while (arg->name && strcmp(arg->name, name) != 0)
		arg++;
	return arg->name ? arg : NULL;
}

static bool has_type(const json_t *value, enum command_type type)
{
	switch (type) {
	case COMMAND_TEXT:
		return json_is_string(value);
	case COMMAND_BOOL:
		return json_is_boolean(value);
	case COMMAND_COUNT:
		break;
	}
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static int check_args(const struct command *command, json_t *args, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach (args, name, value) {
		const struct command_arg *arg = find_arg(command, name);

		if (!arg)
			return err_set(err, ERR_ADMIN_REQUEST, "%s has no argument \"%.60s\"",
				       command->name, name);
		if (!has_type(value, arg->type))
			return err_set(err, ERR_ADMIN_REQUEST, "the argument \"%s\" of %s is %s",
				       name, command->name, type_name(arg->type));
	}
	for (const struct command_arg *arg = command->args; arg->name; arg++) {
		if (arg->is_required && !json_object_get(args, arg->name))
			return err_set(err, ERR_ADMIN_REQUEST, "%s needs the argument \"%s\": %s",
				       command->name, arg->name, arg->help);
	}
	return 0;
}

/* ---- what is recorded ---- */

/* Payloads are secrets of their owners, and large. */
static json_t *told_args(const json_t *args)
{
	json_t *told = json_copy((json_t *)args);
	const json_t *payload = json_object_get(told, "payload");
	size_t len = json_string_length(payload);

	if (payload)
		json_object_set_new(told, "payload", json_integer((json_int_t)len));
	return told;
}

static bool is_told(const struct command *command, const json_t *args)
{
	return command->is_change && !json_is_true(json_object_get(args, "dry_run"));
}

/* 0, or -errno with *err: the command may not be done. */
static int record(struct audit *audit, const struct command *command, const json_t *args,
		  const struct reply *reply, struct err *err)
{
	struct audit_note note = {
		.event = AUDIT_ADMIN_COMMAND,
		.subject = json_string_value(json_object_get(args, "plugin")),
		.actor = reply->caller,
		.details = json_object(),
	};

	member_text(note.details, "command", command->name);
	member_json(note.details, "args", told_args(args));
	return audit_record(audit, &note, err);
}

struct answered commands_run(void *user, const char *name, json_t *args, struct reply *reply)
{
	struct office *office = user;
	struct err err;
	const struct command *command = find(name, &err);

	if (!command || check_args(command, args, &err) < 0)
		return reply_fail(reply, &err);
	if (is_told(command, args) && record(office->audit, command, args, reply, &err) < 0)
		return reply_fail(reply, &err);
	return command->run(office, args, reply);
}
