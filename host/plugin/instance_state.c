/* The state of an instance's plugin, out of it and into it. Owns nothing; state_port.c does the
 * work. Called by a hand-off, and by the plugin's frames. */
#include <assert.h>

#include "plugin/instance_private.h"

void instance_begin(struct instance *instance)
{
	instance->waits = false;
	if (instance->state != INSTANCE_PREPARING)
		return;
	loop_timer_start(&instance->timer, instance->plugin->handshake_timeout_ms);
	handshake_put_start(channel_queue(&instance->channel));
	channel_note(&instance->channel, WIRE_START, 0, CHANNEL_NO_PAYLOAD);
	channel_queued(&instance->channel);
}

void instance_export(struct instance *instance, uint32_t format, state_done_fn *on_done, void *user)
{
	assert(instance->state == INSTANCE_READY && instance->features & FEATURE_STATE);
	state_port_export(&instance->state_port, format, on_done, user);
}

struct state instance_exported(const struct instance *instance)
{
	return state_port_exported(&instance->state_port);
}

void instance_import(struct instance *instance, uint32_t format, const struct state *state,
		     state_done_fn *on_done, void *user)
{
	assert(instance->state == INSTANCE_PREPARING && instance->waits);
	state_port_import(&instance->state_port, format, state, on_done, user);
}

void instance_abandon_state(struct instance *instance)
{
	state_port_abandon(&instance->state_port);
}

typedef int take_state_fn(struct state_port *port, struct wire_bytes body, struct err *err);

static void take(struct instance *instance, take_state_fn *take_frame, struct wire_bytes body)
{
	struct err err;

	if (take_frame(&instance->state_port, body, &err) < 0)
		instance_fail(instance, &err);
}

void instance_take_state(struct instance *instance, struct wire_bytes body)
{
	take(instance, state_port_on_state, body);
}

void instance_take_state_end(struct instance *instance, struct wire_bytes body)
{
	take(instance, state_port_on_state_end, body);
}

void instance_take_imported(struct instance *instance, struct wire_bytes body)
{
	take(instance, state_port_on_imported, body);
}
