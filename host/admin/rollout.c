/* An operator watches a swap.
 *
 * Owns, for each swap that is watched, the reply that waits for its end. The work is done by the
 * composition root; here an order is read from arguments, and news become JSON. */
#include "admin/rollout.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/member.h"
#include "observe/errors.h"

/* A canary, where the operator says no more than its share. */
#define CANARY_MS	       30000
#define CANARY_ERRORS_PERMILLE 10

struct rollout {
	struct office *office;
	struct target *target;
	struct reply *reply; /* NULL: the operator has left */
};

/* ---- news ---- */

static void on_progress(void *user, const struct swap_news *news)
{
	const struct rollout *rollout = user;
	json_t *object = json_object();

	member_text(object, "step", swap_step_name(news->step));
	member_int(object, "done", news->done);
	member_int(object, "of", news->of);
	reply_progress(rollout->reply, object);
}

static json_t *report_json(const struct rollout *rollout, const struct swap_report *report)
{
	json_t *object = json_object();

	member_text(object, "plugin", rollout->target->plugin->name);
	member_text(object, "executable", rollout->target->plugin->executable);
	member_int(object, "generation", report->generation);
	member_int(object, "took_us", report->took_us);
	return object;
}

static void on_end(void *user, const struct err *why, const struct swap_report *report)
{
	struct rollout *rollout = user;

	if (why)
		reply_fail(rollout->reply, why);
	else
		reply_ok(rollout->reply, report_json(rollout, report));
	free(rollout);
}

static void on_left(void *user)
{
	struct rollout *rollout = user;

	rollout->office->ops->leave_swap(rollout->office->user, rollout->target);
	free(rollout);
}

/* ---- the commands ---- */

static struct target *take_target(const struct office *office, const json_t *args, struct err *err)
{
	const char *name = json_string_value(json_object_get(args, "plugin"));
	struct target *target = office_find_target(office, name);

	if (!target)
		err_set(err, ERR_CONFIG_REFERENCE, "no plugin is configured as \"%.100s\"", name);
	return target;
}

static int64_t take_count(const json_t *args, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(args, name);

	return value ? json_integer_value(value) : otherwise;
}

static struct canary_opts take_canary(const json_t *args)
{
	const json_t *header = json_object_get(args, "canary_key");
	struct canary_opts opts = {
		.permille = (unsigned)take_count(args, "canary_permille", 0),
		.for_ms = take_count(args, "canary_ms", CANARY_MS),
		.max_errors_permille =
			(unsigned)take_count(args, "max_errors_permille", CANARY_ERRORS_PERMILLE),
		.max_p99_ms = take_count(args, "max_p99_ms", 0),
	};

	str_copy(opts.key_header, sizeof(opts.key_header),
		 str_from(header ? json_string_value(header) : ""));
	return opts;
}

static struct answered begin(struct office *office, const json_t *args,
			     const struct swap_order *order, struct reply *reply)
{
	struct swap_viewer viewer = {on_progress, on_end, NULL};
	struct err err;
	struct target *target = take_target(office, args, &err);
	struct rollout *rollout;
	struct answered proof;

	if (!target)
		return reply_fail(reply, &err);
	rollout = mem_new(struct rollout);
	*rollout = (struct rollout){office, target, reply};
	viewer.user = rollout;
	proof = reply_later(reply, on_left, rollout);
	if (office->ops->swap(office->user, target, order, &viewer, &err) < 0) {
		free(rollout);
		return reply_fail(reply, &err);
	}
	return proof;
}

struct answered rollout_swap(struct office *office, const json_t *args, struct reply *reply)
{
	struct swap_order order = {
		.executable = json_string_value(json_object_get(args, "executable")),
		.drain_timeout_ms = take_count(args, "drain_timeout_ms", -1),
		.with_state = json_is_true(json_object_get(args, "state")),
		.canary = take_canary(args),
	};

	return begin(office, args, &order, reply);
}

struct answered rollout_back(struct office *office, const json_t *args, struct reply *reply)
{
	struct swap_order order = {
		.is_rollback = true,
		.with_state = json_is_true(json_object_get(args, "state")),
		.drain_timeout_ms = take_count(args, "drain_timeout_ms", -1),
	};

	return begin(office, args, &order, reply);
}

struct answered rollout_abort(struct office *office, const json_t *args, struct reply *reply)
{
	struct err err;
	struct target *target = take_target(office, args, &err);
	json_t *object;

	if (!target || office->ops->abort_swap(office->user, target, &err) < 0)
		return reply_fail(reply, &err);
	object = json_object();
	member_text(object, "plugin", target->plugin->name);
	return reply_ok(reply, object);
}
