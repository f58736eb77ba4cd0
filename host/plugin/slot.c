/* One place of a pool: an instance, or the wait for the next one.
 *
 *	OCCUPIED ──ended──▶ WAITING ──its time──▶ OCCUPIED
 *	    ├──────ended──▶ DOWN    ──pool_restart()──▶ OCCUPIED
 *	    └───unloaded──▶ ASLEEP  ──pool_wake()──▶ OCCUPIED
 *	    any ──pool_forbid()──▶ DOWN ──pool_permit()──▶ OCCUPIED
 *
 * Owns its instance and hears what it says of itself. Whether the place is filled again, and when,
 * is the supervisor's verdict; this file obeys it and logs it. Called by the pool. */
#include <stdlib.h>

#include "base/random.h"
#include "observe/errors.h"
#include "plugin/pool_private.h"
#include "plugin/process.h"

/* A start that may not be yet is tried again so often. */
#define HOLD_BACK_MS 1000

static unsigned slot_number(const struct slot *slot)
{
	return (unsigned)(slot - slot->pool->slots) + 1;
}

/* ---- the end of an instance ---- */

static void log_death(const struct slot *slot, const struct err *why, int64_t restart_in_ms)
{
	const struct pool *pool = slot->pool;
	struct log_field restart = restart_in_ms >= 0 ? LOG_INT("restart_in_ms", restart_in_ms)
						      : (struct log_field){LOG_FIELD_END};

	log_event(pool->log, LOG_WARN, "instance.died", why->text,
		  LOG_STR("plugin", pool->plugin->name), LOG_INT("number", slot_number(slot)),
		  LOG_INT("code", why->code), LOG_INT("failures", slot->supervisor.failures),
		  restart);
}

static void stay_down(struct slot *slot, const struct err *reason)
{
	struct pool *pool = slot->pool;

	slot->state = SLOT_DOWN;
	slot->reason = *reason;
	pool->last_failure = *reason;
	log_event(pool->log, LOG_WARN, "instance.down", reason->text,
		  LOG_STR("plugin", pool->plugin->name), LOG_INT("number", slot_number(slot)),
		  LOG_INT("code", reason->code));
}

static void settle_end(struct slot *slot, const struct err *why, bool failed)
{
	struct pool *pool = slot->pool;
	struct supervisor_end end = {failed, slot->ready_for_ms, why->text};
	struct supervisor_decision decision;

	if (pool->forbidden.code) {
		log_death(slot, why, -1);
		stay_down(slot, &pool->forbidden);
		pool_slot_emptied(pool);
		return;
	}
	supervisor_decide(&slot->supervisor, &pool->plugin->restart, &end, loop_now_ms(pool->loop),
			  random_u32(), &decision);
	pool->last_failure = *why;
	pool->waking = false;
	if (decision.verdict == SUPERVISOR_RESTART) {
		slot->state = pool->asleep ? SLOT_ASLEEP : SLOT_WAITING;
		if (!pool->asleep)
			loop_timer_start(&slot->restart, decision.delay_ms);
		log_death(slot, why, decision.delay_ms);
	} else {
		log_death(slot, why, -1);
		stay_down(slot, &decision.reason);
	}
	if (pool->ops->on_failure)
		pool->ops->on_failure(pool->user, pool, why);
	pool_slot_emptied(pool);
}

/* ---- news from its instance ---- */

static bool on_manifest(void *user, struct instance *instance, struct err *err)
{
	struct slot *slot = user;
	struct pool *pool = slot->pool;
	struct manifest *told = instance_manifest(instance);

	if (pool->manifest)
		return manifest_equal(pool->manifest, told, err);
	if (!pool->ops->on_manifest(pool->user, pool, told, err))
		return false;
	pool->manifest = manifest_hold(told);
	return true;
}

/* Only of those that are ready. */
static void set_degraded(struct slot *slot, bool degraded)
{
	if (slot->is_degraded == degraded)
		return;
	slot->is_degraded = degraded;
	slot->pool->degraded += degraded ? 1 : (unsigned)-1;
}

static void set_ready(struct slot *slot, bool ready)
{
	struct pool *pool = slot->pool;
	int64_t now_ms = loop_now_ms(pool->loop);

	if (slot->is_ready == ready)
		return;
	slot->is_ready = ready;
	set_degraded(slot, false);
	if (ready)
		pool->waking = false;
	if (ready)
		slot->ready_since_ms = now_ms;
	else
		slot->ready_for_ms = now_ms - slot->ready_since_ms;
	pool->ready += ready ? 1 : (unsigned)-1;
	pool->ops->on_change(pool->user, pool);
}

static void on_ready(void *user, struct instance *instance)
{
	struct slot *slot = user;

	set_ready(slot, true);
	set_degraded(slot, instance_health(instance) == HEALTH_DEGRADED);
	slot_config_ready(slot);
}

static void on_fenced(void *user, struct instance *instance)
{
	set_ready(user, false);
	slot_config_lost(user);
}

/* Unhealthy: its calls may end, then its place is filled again. Offline: it won't end them. */
static void on_health(void *user, struct instance *instance, const struct err *why)
{
	struct slot *slot = user;

	switch (instance_health(instance)) {
	case HEALTH_HEALTHY:
	case HEALTH_DEGRADED:
		set_degraded(slot, slot->is_ready && instance_health(instance) == HEALTH_DEGRADED);
		break;
	case HEALTH_UNHEALTHY:
		instance_retire(instance, why, slot->pool->plugin->drain_timeout_ms);
		break;
	case HEALTH_OFFLINE:
		instance_fail(instance, why);
		break;
	}
}

static void on_call(void *user, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	const struct slot *slot = user;

	slot->pool->ops->on_call(slot->pool->user, slot->pool, instance, requirement, request);
}

static bool has_failed(const struct instance *instance, const struct err *why)
{
	const struct process_end *end = instance_end(instance);

	return why->code != ERR_PLUGIN_GONE || end->by_signal || end->status != 0;
}

/* One that was asked to go and was helped along has not failed. */
static bool has_gone_as_asked(const struct slot *slot, const struct instance *instance,
			      const struct err *why)
{
	if (why->code == ERR_WHITELIST_REVOKED)
		return true;
	return (slot->pool->draining || slot->is_unloading) && why->code == ERR_PLUGIN_GONE &&
	       instance_end(instance)->by_host;
}

static void release_instance(void *instance)
{
	instance_free(instance);
}

static void on_dead(void *user, struct instance *instance, const struct err *why)
{
	struct slot *slot = user;
	struct pool *pool = slot->pool;

	bool failed = has_failed(instance, why);

	pool->past_calls += instance_total_calls(instance);
	if (pool->ops->on_death)
		pool->ops->on_death(pool->user, pool, instance, why,
				    failed && !has_gone_as_asked(slot, instance, why));
	slot->instance = NULL;
	loop_retire(pool->loop, release_instance, instance);
	if (!pool->draining && !slot->is_unloading) {
		settle_end(slot, why, failed);
		return;
	}
	slot->state = SLOT_ASLEEP;
	log_event(pool->log, LOG_INFO, "instance.ended", why->text,
		  LOG_STR("plugin", pool->plugin->name),
		  LOG_STR("instance", instance_id(instance)));
	pool_slot_emptied(pool);
	if (!pool->draining && (!pool->asleep || pool->forbidden.code))
		slot_start(slot);
}

static void on_waiting(void *user, struct instance *instance)
{
	struct slot *slot = user;

	slot->pool->ops->on_change(slot->pool->user, slot->pool);
}

static void on_answered(void *user, struct instance *instance)
{
	struct slot *slot = user;

	slot->pool->ops->on_change(slot->pool->user, slot->pool);
}

static const struct instance_ops instance_ops = {
	.on_manifest = on_manifest,
	.on_ready = on_ready,
	.on_fenced = on_fenced,
	.on_health = on_health,
	.on_call = on_call,
	.on_waiting = on_waiting,
	.on_answered = on_answered,
	.on_config = slot_on_config,
	.on_dead = on_dead,
};

/* ---- life ---- */

/* What could not be allowed now is no failure of the plugin: the supervisor does not count it. */
static void hold_back(struct slot *slot, const struct err *why)
{
	struct pool *pool = slot->pool;

	if (!slot->is_held_back)
		log_event(pool->log, LOG_ERROR, "instance.held_back", why->text,
			  LOG_STR("plugin", pool->plugin->name),
			  LOG_INT("number", slot_number(slot)), LOG_INT("code", why->code));
	slot->is_held_back = true;
	slot->state = SLOT_WAITING;
	pool->last_failure = *why;
	loop_timer_start(&slot->restart, HOLD_BACK_MS);
	if (pool->ops->on_failure)
		pool->ops->on_failure(pool->user, pool, why);
}

/* Files that may not run are no crash either. Nothing is tried again before somebody says so:
 * pool_restart(), or pool_start_refused() when other rules are in force. */
static void refuse(struct slot *slot, const struct err *why)
{
	struct pool *pool = slot->pool;

	slot->is_refused = true;
	pool->waking = false;
	stay_down(slot, why);
	if (pool->ops->on_refused)
		pool->ops->on_refused(pool->user, pool, why);
	if (pool->ops->on_failure)
		pool->ops->on_failure(pool->user, pool, why);
	pool_slot_emptied(pool);
}

static bool may_start(struct slot *slot, struct err *err)
{
	struct pool *pool = slot->pool;

	return !pool->ops->may_start ||
	       pool->ops->may_start(pool->user, pool, slot_number(slot), err) == 0;
}

void slot_start(struct slot *slot)
{
	struct pool *pool = slot->pool;
	struct instance_opts opts = {
		.loop = pool->loop,
		.log = pool->log,
		.spawner = pool->spawner,
		.groups = pool->groups,
		.plugin = pool->plugin,
		.image = pool->image,
		.cage = pool->cage,
		.secrets = pool->secrets,
		.host_version = pool->host_version,
		.generation = pool->generation,
		.number = slot_number(slot),
		.waits = pool->waits,
		.ops = &instance_ops,
		.user = slot,
	};
	struct err err;

	loop_timer_stop(&slot->restart);
	if (pool->forbidden.code) {
		stay_down(slot, &pool->forbidden);
		pool_slot_emptied(pool);
		return;
	}
	slot->is_refused = false;
	if (exec_image_check_libraries(pool->image, pool->plugin->env, &err) < 0) {
		refuse(slot, &err);
		return;
	}
	if (!may_start(slot, &err)) {
		hold_back(slot, &err);
		return;
	}
	slot->is_held_back = false;
	slot->ready_for_ms = -1;
	slot->is_unloading = false;
	slot->config = slot->offered = pool->config.in_force;
	slot->state = SLOT_OCCUPIED;
	slot->instance = instance_new(&opts);
	if (instance_start(slot->instance, &err) == 0) {
		pool_note_cage(pool, slot->instance);
		return;
	}
	instance_free(slot->instance);
	slot->instance = NULL;
	settle_end(slot, &err, true);
}

static void on_restart(void *user)
{
	struct slot *slot = user;

	if (!slot->is_held_back)
		slot->pool->restarts++;
	slot_start(slot);
}

/* One that ends already, for whatever reason, is left to do so. */
void slot_sleep(struct slot *slot)
{
	loop_timer_stop(&slot->restart);
	if (slot->state == SLOT_WAITING)
		slot->state = SLOT_ASLEEP;
	if (!slot->instance || instance_state(slot->instance) > INSTANCE_READY)
		return;
	slot->is_unloading = true;
	instance_drain(slot->instance, slot->pool->plugin->drain_timeout_ms);
}

/* Its end is then like that of one that is unloaded, and the next start is refused. */
void slot_forbid(struct slot *slot, enum trust_revoke action)
{
	struct pool *pool = slot->pool;

	loop_timer_stop(&slot->restart);
	if (!slot->instance) {
		if (slot->state != SLOT_DOWN || slot->reason.code != pool->forbidden.code)
			stay_down(slot, &pool->forbidden);
		slot->reason = pool->forbidden;
		return;
	}
	switch (action) {
	case REVOKE_DRAIN:
		slot->is_unloading = true;
		instance_drain(slot->instance, pool->plugin->drain_timeout_ms);
		break;
	case REVOKE_KILL:
		slot->is_unloading = true;
		instance_fail(slot->instance, &pool->forbidden);
		break;
	case REVOKE_KEEP:
		break;
	}
}

void slot_wake(struct slot *slot)
{
	if (slot->state == SLOT_ASLEEP)
		slot_start(slot);
}

bool slot_is_coming(const struct slot *slot, int64_t within_ms)
{
	switch (slot->state) {
	case SLOT_OCCUPIED:
		/* One that is being stopped has a successor, if the supervisor wants one. */
		return slot->is_unloading || instance_state(slot->instance) < INSTANCE_READY ||
		       instance_state(slot->instance) == INSTANCE_STOPPING;
	case SLOT_WAITING:
		return loop_timer_is_active(&slot->restart) &&
		       loop_timer_left_ms(&slot->restart) <= within_ms;
	case SLOT_ASLEEP:
	case SLOT_DOWN:
		break;
	}
	return false;
}

void slot_drain(struct slot *slot, int64_t grace_ms)
{
	loop_timer_stop(&slot->restart);
	if (slot->instance)
		instance_drain(slot->instance, grace_ms);
}

void slot_init(struct slot *slot, struct pool *pool)
{
	slot->pool = pool;
	slot->state = SLOT_WAITING;
	loop_timer_init(&slot->restart, pool->loop, on_restart, slot);
}

void slot_deinit(struct slot *slot)
{
	loop_timer_stop(&slot->restart);
	instance_free(slot->instance);
}
