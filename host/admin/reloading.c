/* An operator watches a reload.
 *
 * Owns the reply that waits for its end. The work is done by the composition root; here news become
 * JSON. */
#include "admin/reloading.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/member.h"

struct reloading {
	struct office *office;
	struct reply *reply;
	bool is_dry;
};

static void on_progress(void *user, const struct reload_news *news)
{
	const struct reloading *reloading = user;
	json_t *object = json_object();

	member_text(object, "step", news->step);
	member_int(object, "done", news->done);
	member_int(object, "of", news->of);
	reply_progress(reloading->reply, object);
}

static json_t *changes_json(const struct reload_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->change_count; i++) {
		const struct reload_change *change = &report->changes[i];
		json_t *object = json_object();

		member_text(object, "apply", change->apply);
		member_text(object, "plugin", change->plugin);
		member_text(object, "setting", change->setting);
		member_text(object, "before", change->before);
		member_text(object, "after", change->after);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *obstacle_json(const struct err *obstacle)
{
	json_t *object;

	if (!obstacle)
		return json_null();
	object = json_object();
	member_int(object, "code", obstacle->code);
	member_text(object, "message", obstacle->text);
	return object;
}

static void on_end(void *user, const struct err *why, const struct reload_report *report)
{
	struct reloading *reloading = user;
	json_t *object;

	if (why) {
		reply_fail(reloading->reply, why);
	} else {
		object = json_object();
		member_bool(object, "dry_run", reloading->is_dry);
		member_json(object, "changes", changes_json(report));
		member_json(object, "refused", obstacle_json(report->obstacle));
		member_int(object, "took_us", report->took_us);
		reply_ok(reloading->reply, object);
	}
	free(reloading);
}

static void on_left(void *user)
{
	struct reloading *reloading = user;

	reloading->office->ops->leave_reload(reloading->office->user);
	free(reloading);
}

struct answered reloading_run(struct office *office, const json_t *args, struct reply *reply)
{
	struct reloading *reloading = mem_new(struct reloading);
	struct reload_viewer viewer = {on_progress, on_end, reloading};
	struct answered proof = reply_later(reply, on_left, reloading);
	struct err err;

	*reloading =
		(struct reloading){office, reply, json_is_true(json_object_get(args, "dry_run"))};
	if (office->ops->reload(office->user, reloading->is_dry, &viewer, &err) < 0) {
		free(reloading);
		return reply_fail(reply, &err);
	}
	return proof;
}
