/* What a plugin says to its host, frame by frame.
 *
 * Each frame is held against rules.c first; then its row takes it: the steps of the handshake,
 * the end, LOG here, and those of calls in calls.c. Owns nothing; the instance is the state.
 * Whatever is wrong ends in instance_fail() with a sentence for the plugin's author. */
#include "base/clock.h"
#include "observe/errors.h"
#include "plugin/instance_private.h"
#include "plugin/plugin_log.h"

#define FAILED_REASON_BYTES 320

static void on_request(void *user, const struct wire_request *request)
{
	struct instance *instance = user;
	const struct manifest_requirement *row =
		manifest_find_requirement(instance->manifest, request->method);
	struct err err;

	if (!row) {
		err_set(&err, ERR_PROTOCOL_CALL,
			"it calls number %u, which its manifest does not require", request->method);
		instance_fail(instance, &err);
		return;
	}
	instance->ops->on_call(instance->user, instance, row, request);
}

static void take_welcome(struct instance *instance, struct wire_bytes body)
{
	struct handshake_welcome welcome;
	struct err err;

	if (handshake_take_welcome(body, &welcome, &err) < 0) {
		instance_fail(instance, &err);
		return;
	}
	instance->manifest = welcome.manifest;
	instance->features = welcome.features;
	if (!instance->ops->on_manifest(instance->user, instance, &err)) {
		instance_fail(instance, &err);
		return;
	}
	calls_init(&instance->calls, &instance->channel, &instance->limits, &welcome.limits);
	instance->calls.incoming.on_request = on_request;
	instance->calls.incoming.user = instance;
	instance->greeted = true;
	state_port_init(&instance->state_port, &instance->channel, &instance->calls.flow,
			welcome.limits.max_state_bytes);
	instance->state_port.redactor = secrets_redactor(instance->secrets);
	instance_move(instance, INSTANCE_PREPARING);
	if (instance->waits)
		instance->ops->on_waiting(instance->user, instance);
	else
		instance_begin(instance);
}

static void take_ready(struct instance *instance, struct wire_bytes body)
{
	instance_move(instance, INSTANCE_READY);
	instance->start_us = clock_mono_us() - instance->started_us;
	health_check_start(&instance->health_check);
	log_event(instance->log, LOG_INFO, "instance.ready", "serves calls",
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("pid", process_pid(instance->process)),
		  LOG_STR("version", instance->manifest->plugin_version),
		  LOG_INT("start_us", instance->start_us));
	instance->ops->on_ready(instance->user, instance);
}

static void take_failed(struct instance *instance, struct wire_bytes body)
{
	char reason[FAILED_REASON_BYTES];
	struct err err;

	handshake_take_failed(body, reason, sizeof(reason));
	err_set(&err, ERR_PLUGIN_FAILED, "it says that it can't work: %s",
		reason[0] ? reason : "(no reason given)");
	instance_fail(instance, &err);
}

static void take_bye(struct instance *instance, struct wire_bytes body)
{
	struct err err;

	instance->said_bye = true;
	err_set(&err, ERR_PLUGIN_GONE, "drained");
	instance_stop(instance, &err, INSTANCE_TERM_AFTER_BYE_MS);
}

static void take_log(struct instance *instance, struct wire_bytes body)
{
	struct err err;

	const struct log_speaker speaker = {instance->plugin->name, instance->id,
					    secrets_redactor(instance->secrets)};

	if (plugin_log_take(instance->log, &speaker, body, &err) < 0)
		instance_fail(instance, &err);
}

static void take_call_frame(struct instance *instance, const struct frame *frame)
{
	struct err err;

	if (calls_on_frame(&instance->calls, frame, &err) < 0)
		instance_fail(instance, &err);
	else if (frame->kind == WIRE_CREDIT)
		state_port_on_credit(&instance->state_port);
}

static void refuse_frame(struct instance *instance, enum wire_kind kind)
{
	struct err err;

	err_set(&err, ERR_PROTOCOL_STATE, "it sent %s, which is not allowed while %s",
		frame_kind_name(kind), rules_state_name(instance->state));
	instance_fail(instance, &err);
}

typedef void take_fn(struct instance *instance, struct wire_bytes body);

static take_fn *const takers[WIRE_KIND_END] = {
	[WIRE_WELCOME] = take_welcome,
	[WIRE_READY] = take_ready,
	[WIRE_FAILED] = take_failed,
	[WIRE_BYE] = take_bye,
	[WIRE_LOG] = take_log,
	[WIRE_PONG] = instance_take_pong,
	[WIRE_STATE] = instance_take_state,
	[WIRE_STATE_END] = instance_take_state_end,
	[WIRE_IMPORTED] = instance_take_imported,
	[WIRE_CONFIG_RESULT] = instance_take_config_result,
};

static void take_frame(struct instance *instance, const struct frame *frame)
{
	if (calls_is_frame(frame->kind))
		take_call_frame(instance, frame);
	else
		takers[frame->kind](instance, frame->body);
}

void instance_take_frame(struct instance *instance, const struct frame *frame)
{
	switch (rules_check(instance->state, frame->kind, instance->features)) {
	case RULES_ACCEPT:
		take_frame(instance, frame);
		break;
	case RULES_IGNORE:
		break;
	case RULES_REFUSE:
		refuse_frame(instance, frame->kind);
		break;
	}
}
