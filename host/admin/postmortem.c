/* The commands that look back. They read what plugin/crashes and dispatch keep, and decide nothing.
 * A plugin that is not configured any more may still have crashes. */
#include "admin/postmortem.h"

#include <string.h>

#include "base/member.h"
#include "observe/errors.h"
#include "plugin/crashes.h"

static const char *const summary_members[] = {
	"id",	  "at",		 "plugin",   "instance",	"how", "reason",
	"signal", "exit_status", "lived_us", "calls_in_flight", NULL};

static json_t *summary_of(const json_t *capsule)
{
	json_t *summary = json_object();

	for (const char *const *name = summary_members; *name; name++)
		json_object_set(summary, *name, json_object_get(capsule, *name));
	return summary;
}

static json_t *summaries_of(const json_t *capsules)
{
	json_t *list = json_array();
	json_t *capsule;
	size_t i;

	json_array_foreach (capsules, i, capsule)
		json_array_append_new(list, summary_of(capsule));
	return list;
}

struct answered postmortem_crashes(struct office *office, const json_t *args, struct reply *reply)
{
	const char *id = json_string_value(json_object_get(args, "id"));
	json_t *found;
	json_t *list;
	struct err err;

	if (!id) {
		found = crashes_list(office->crashes,
				     json_string_value(json_object_get(args, "plugin")));
		list = summaries_of(found);
		json_decref(found);
		return reply_ok(reply, list);
	}
	found = crashes_find(office->crashes, id);
	if (found)
		return reply_ok(reply, found);
	err_set(&err, ERR_ADMIN_REQUEST, "no crash \"%.100s\" is kept", id);
	return reply_fail(reply, &err);
}

/* ---- quarantine ---- */

static json_t *request_json(const struct target *target, const struct poison_row *row,
			    int64_t now_ms)
{
	json_t *request = json_object();
	char id[POISON_ID_TEXT];

	member_text(request, "request", poison_id(id, &row->fingerprint));
	member_text(request, "plugin", target->plugin->name);
	member_text(request, "method", row->method);
	member_text(request, "state", row->is_quarantined ? "quarantined" : "suspected");
	member_int(request, "deaths", row->deaths);
	member_int(request, "refused", (int64_t)row->refused);
	member_int(request, "left_ms", row->until_ms - now_ms);
	return request;
}

static void list_requests(json_t *list, struct target *target, int64_t now_ms)
{
	poison_expire(&target->poison, now_ms);
	for (unsigned i = 0; i < target->poison.count; i++) {
		const struct poison_row *row = &target->poison.rows[i];

		if (row->deaths > 0)
			json_array_append_new(list, request_json(target, row, now_ms));
	}
}

/* Does the argument "plugin" mean this one? */
static bool is_meant(const json_t *args, const struct target *target)
{
	const char *name = json_string_value(json_object_get(args, "plugin"));

	return !name || strcmp(name, target->plugin->name) == 0;
}

static bool knows_plugin(const struct office *office, const json_t *args, struct err *err)
{
	const char *name = json_string_value(json_object_get(args, "plugin"));

	if (!name || office_find_target(office, name))
		return true;
	err_set(err, ERR_CONFIG_REFERENCE, "no plugin is configured as \"%.100s\"", name);
	return false;
}

struct answered postmortem_quarantine(struct office *office, const json_t *args,
				      struct reply *reply)
{
	struct err err;
	json_t *list;

	if (!knows_plugin(office, args, &err))
		return reply_fail(reply, &err);
	list = json_array();
	for (size_t i = 0; i < office->target_count; i++) {
		if (is_meant(args, office->targets[i]))
			list_requests(list, office->targets[i], loop_now_ms(office->loop));
	}
	return reply_ok(reply, list);
}

/* Returns how many were released. */
static unsigned release(struct target *target, const char *id)
{
	unsigned count = target->poison.count;

	if (id)
		return poison_release(&target->poison, id);
	poison_clear(&target->poison);
	return count - target->poison.count;
}

struct answered postmortem_release(struct office *office, const json_t *args, struct reply *reply)
{
	const char *id = json_string_value(json_object_get(args, "request"));
	unsigned released = 0;
	struct err err;
	json_t *result;

	if (!knows_plugin(office, args, &err))
		return reply_fail(reply, &err);
	for (size_t i = 0; i < office->target_count; i++) {
		if (is_meant(args, office->targets[i]))
			released += release(office->targets[i], id);
	}
	if (id && released == 0) {
		err_set(&err, ERR_ADMIN_REQUEST, "no request \"%.60s\" is in quarantine", id);
		return reply_fail(reply, &err);
	}
	result = json_object();
	member_int(result, "released", released);
	return reply_ok(reply, result);
}
