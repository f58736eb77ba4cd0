/* The calls on an instance, both ways, and the patience with those that the host has cancelled: a
 * plugin that does not end them is stuck, holds places that others need, and is failed. An
 * ordinary call pays nothing for that. Owns a timer; the calls are those of calls.h. */
#include <inttypes.h>

#include "observe/errors.h"
#include "plugin/instance_private.h"

struct call *instance_call(struct instance *instance, const struct wire_request *request,
			   const struct call_ops *ops, void *user)
{
	if (instance->state != INSTANCE_READY)
		return NULL;
	return outgoing_start(&instance->calls.outgoing, request, ops, user);
}

bool instance_call_send(struct instance *instance, struct call *call, struct wire_bytes payload,
			bool more, bool end)
{
	return outgoing_send(&instance->calls.outgoing, call, payload, more, end);
}

void instance_call_consumed(struct instance *instance, struct call *call, uint32_t bytes)
{
	outgoing_consumed(&instance->calls.outgoing, call, bytes);
}

static const char *method_name(const struct manifest *manifest, uint32_t number)
{
	const struct manifest_service *service;
	const struct manifest_method *method = manifest_find_number(manifest, number, &service);

	return method ? method->name : "?";
}

static void fail_stuck(struct instance *instance, const struct call *call, int64_t waited_ms)
{
	struct err err;

	err_set(&err, ERR_PLUGIN_STUCK,
		"it has not ended call %" PRIu32 " (%s), which was cancelled %" PRId64 " ms ago",
		call->id, method_name(instance->manifest, call->method), waited_ms);
	instance_fail(instance, &err);
}

/* Runs while a cancelled call may be open: to the end of the patience with the oldest one of when
 * it was started. */
static void on_patience(void *user)
{
	struct instance *instance = user;
	const struct call *oldest = call_table_oldest_cancelled(&instance->calls.outgoing.table);
	int64_t patience_ms = instance->plugin->patience_ms;
	int64_t waited_ms;

	if (!oldest)
		return;
	waited_ms = loop_now_ms(instance->loop) - oldest->cancelled_ms;
	if (waited_ms < patience_ms)
		loop_timer_start(&instance->patience, patience_ms - waited_ms);
	else
		fail_stuck(instance, oldest, waited_ms);
}

void instance_calls_init(struct instance *instance)
{
	loop_timer_init(&instance->patience, instance->loop, on_patience, instance);
}

void instance_call_cancel(struct instance *instance, struct call *call, uint32_t code,
			  struct str reason)
{
	outgoing_cancel(&instance->calls.outgoing, call, code, reason, loop_now_ms(instance->loop));
	if (instance->plugin->patience_ms > 0 && !loop_timer_is_active(&instance->patience))
		loop_timer_start(&instance->patience, instance->plugin->patience_ms);
}

void instance_answer(struct instance *instance, uint32_t id, const struct incoming_answer *answer)
{
	if (instance->greeted)
		incoming_answer(&instance->calls.incoming, id, answer);
}
