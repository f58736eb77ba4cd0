/* The instances of one generation of a plugin.
 *
 * Owns the executable's image and the places for instances. What becomes of a place whose process
 * has ended is told in slot.c; here is what concerns all of them: which one gets the next call,
 * whether any is left, and the common end. It knows no call and no route. */
#include "plugin/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/pool_private.h"

/* ---- news from the places ---- */

static void check_drained(struct pool *pool)
{
	if (!pool->draining || pool->drained)
		return;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].instance)
			return;
	}
	pool->drained = true;
	pool->ops->on_drained(pool->user, pool);
}

/* A crash loop is told as an error, and an end that the policy wants as what it is. */
static void check_down(struct pool *pool)
{
	const struct err *reason = pool_down_reason(pool);
	bool failed = reason && reason->code == ERR_PLUGIN_CRASH_LOOP;

	if (!reason || pool->draining)
		return;
	log_event(pool->log, failed ? LOG_ERROR : LOG_WARN,
		  failed ? "plugin.failed" : "plugin.ended", reason->text,
		  LOG_STR("plugin", pool->plugin->name), LOG_INT("code", reason->code));
	pool->ops->on_change(pool->user, pool);
}

void pool_slot_emptied(struct pool *pool)
{
	check_down(pool);
	check_drained(pool);
}

/* ---- life ---- */

struct pool *pool_new(const struct pool_opts *opts)
{
	struct pool *pool = mem_new(struct pool);

	pool->loop = opts->loop;
	pool->log = opts->log;
	pool->spawner = opts->spawner;
	pool->groups = opts->groups;
	pool->plugin = opts->plugin;
	pool->guard = opts->guard;
	pool->image = opts->image ? exec_image_hold(opts->image) : NULL;
	pool->host_version = opts->host_version;
	pool->generation = opts->generation;
	pool->ops = opts->ops;
	pool->user = opts->user;
	pool->slot_count = opts->plugin->instances;
	pool->slots = mem_array(pool->slot_count, sizeof(*pool->slots));
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_init(&pool->slots[i], pool);
	pool_config_init(pool);
	pool->waits = opts->waits;
	pool_sleep_init(pool, opts->may_sleep);
	return pool;
}

static int load_image(struct pool *pool, struct err *err)
{
	const struct plugin_opts *plugin = pool->plugin;
	int r = 0;

	if (!pool->image) {
		r = exec_image_load(pool->guard, plugin->executable, plugin->name, &pool->image,
				    err);
		if (r == 0)
			pool_log_remarks(pool->log, plugin->name, &pool->image->remarks);
	}
	pool->guard = NULL;
	return r;
}

/* What they are now is what this generation has, until it ends. */
static int load_secrets(struct pool *pool, struct err *err)
{
	int r = secrets_load(pool->plugin->secrets, &pool->secrets, err);

	if (r == 0 && !secrets_are_locked(pool->secrets))
		log_event(pool->log, LOG_WARN, "secrets.not_locked",
			  "the limit on locked memory is too low, so they may reach swap: raise "
			  "RLIMIT_MEMLOCK (LimitMEMLOCK=)",
			  LOG_STR("plugin", pool->plugin->name));
	return r;
}

int pool_start(struct pool *pool, struct err *err)
{
	int r = load_secrets(pool, err);

	if (r == 0)
		r = pool_make_cage(pool, err);
	if (r == 0) /* last: who has an image has all */
		r = load_image(pool, err);
	if (r < 0)
		pool->last_failure = *err;
	if (r < 0 || pool->asleep)
		return r;
	pool_stay_awake(pool);
	/* A first failure may make the owner drain it from on_failure. */
	for (unsigned i = 0; i < pool->slot_count && !pool->draining; i++)
		slot_start(&pool->slots[i]);
	return 0;
}

int pool_start_again(struct pool *pool, const struct guard *guard, struct err *err)
{
	assert(!pool->image && !pool->draining);
	pool->last_failure = (struct err){0};
	pool->guard = guard;
	secrets_release(pool->secrets);
	return pool_start(pool, err);
}

void pool_begin(struct pool *pool)
{
	pool->waits = false;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].instance)
			instance_begin(pool->slots[i].instance);
	}
}

void pool_ask(struct pool *pool)
{
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].is_ready)
			instance_ask(pool->slots[i].instance);
	}
}

void pool_apply(struct pool *pool)
{
	pool_sleep_apply(pool);
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].is_ready)
			instance_apply(pool->slots[i].instance);
	}
}

int pool_restart(struct pool *pool, struct err *err)
{
	int started = 0;

	if (pool->draining) {
		err_set(err, ERR_PLUGIN_UNAVAILABLE, "it is being stopped");
		return -EBUSY;
	}
	if (pool->forbidden.code) {
		*err = pool->forbidden;
		return -EACCES;
	}
	if (!pool->image) {
		*err = pool->last_failure;
		err_prefix(err, "its executable was refused when the plugin was loaded");
		return -ENOEXEC;
	}
	pool_stay_awake(pool);
	for (unsigned i = 0; i < pool->slot_count && !pool->draining; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->instance)
			continue;
		slot->supervisor = (struct supervisor){0};
		slot_start(slot);
		started++;
	}
	return started;
}

void pool_drain(struct pool *pool, int64_t grace_ms)
{
	if (pool->draining)
		return;
	pool->draining = true;
	loop_timer_stop(&pool->idle_timer);
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_drain(&pool->slots[i], grace_ms);
	check_drained(pool);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	loop_timer_stop(&pool->idle_timer);
	loop_timer_stop(&pool->config.timer);
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_deinit(&pool->slots[i]);
	exec_image_release(pool->image);
	cage_free(pool->cage);
	secrets_release(pool->secrets);
	manifest_release(pool->manifest);
	free(pool->slots);
	free(pool);
}

/* Any before the one that shall be avoided, healthy before degraded, then the least busy. */
static bool is_better(const struct slot *slot, const struct slot *than, unsigned avoid)
{
	bool is_avoided = instance_number(slot->instance) == avoid;

	if (is_avoided || instance_number(than->instance) == avoid)
		return !is_avoided;
	if (slot->is_degraded != than->is_degraded)
		return than->is_degraded;
	return instance_live_calls(slot->instance) < instance_live_calls(than->instance);
}

struct instance *pool_pick(struct pool *pool, unsigned avoid)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[(pool->next + i) % pool->slot_count];

		if (!slot->is_ready)
			continue;
		if (!best || is_better(slot, best, avoid))
			best = slot;
	}
	if (!best)
		return NULL;
	pool->next = (unsigned)(best - pool->slots) + 1;
	return best->instance;
}

int64_t pool_next_start_ms(const struct pool *pool)
{
	int64_t first_ms = POOL_NEVER;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct slot *slot = &pool->slots[i];

		if (slot->state == SLOT_WAITING && loop_timer_is_active(&slot->restart) &&
		    loop_timer_left_ms(&slot->restart) < first_ms)
			first_ms = loop_timer_left_ms(&slot->restart);
	}
	return first_ms;
}

/* ---- facts ---- */

const struct manifest *pool_manifest(const struct pool *pool)
{
	return pool->manifest;
}

uint32_t pool_generation(const struct pool *pool)
{
	return pool->generation;
}

bool pool_is_draining(const struct pool *pool)
{
	return pool->draining;
}

unsigned pool_ready_count(const struct pool *pool)
{
	return pool->ready;
}

bool pool_is_complete(const struct pool *pool)
{
	return pool->ready == pool->slot_count;
}

bool pool_is_waiting(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct instance *instance = pool->slots[i].instance;

		if (!instance || instance_state(instance) != INSTANCE_PREPARING)
			return false;
	}
	return pool->waits;
}

unsigned pool_answered_count(const struct pool *pool)
{
	unsigned count = 0;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct instance *instance = pool->slots[i].instance;

		count += instance && instance_has_answered(instance);
	}
	return count;
}

struct instance *pool_instance(const struct pool *pool, unsigned slot)
{
	return pool->slots[slot].instance;
}

unsigned pool_healthy_count(const struct pool *pool)
{
	return pool->ready - pool->degraded;
}

unsigned pool_slot_count(const struct pool *pool)
{
	return pool->slot_count;
}

const struct instance *pool_slot(const struct pool *pool, unsigned slot)
{
	return pool->slots[slot].instance;
}

enum slot_state pool_slot_state(const struct pool *pool, unsigned slot)
{
	return pool->slots[slot].state;
}

const struct err *pool_slot_reason(const struct pool *pool, unsigned slot)
{
	return pool->slots[slot].state == SLOT_DOWN ? &pool->slots[slot].reason : NULL;
}

const struct err *pool_down_reason(const struct pool *pool)
{
	const struct err *reason = NULL;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct slot *slot = &pool->slots[i];

		if (slot->state != SLOT_DOWN)
			return NULL;
		if (!reason || slot->reason.code == ERR_PLUGIN_CRASH_LOOP)
			reason = &slot->reason;
	}
	return reason;
}

uint32_t pool_open_calls(const struct pool *pool)
{
	uint32_t open = 0;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].instance)
			open += instance_live_calls(pool->slots[i].instance);
	}
	return open;
}

uint64_t pool_restarts(const struct pool *pool)
{
	return pool->restarts;
}

uint64_t pool_total_calls(const struct pool *pool)
{
	uint64_t total = pool->past_calls;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].instance)
			total += instance_total_calls(pool->slots[i].instance);
	}
	return total;
}

const struct err *pool_last_failure(const struct pool *pool)
{
	return &pool->last_failure;
}

const struct exec_image *pool_image(const struct pool *pool)
{
	return pool->image;
}
