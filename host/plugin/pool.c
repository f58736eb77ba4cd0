/* The instances of one generation of a plugin.
 *
 * Owns the executable's image, the slots and their instances. A slot whose process died waits and
 * starts again, with exponential back-off and jitter, so that a plugin that can't start doesn't
 * spin; one that had served for a while begins with the shortest wait. It never gives up by itself.
 * It knows no call and no route. */
#include "plugin/pool.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/backoff.h"
#include "base/mem.h"
#include "observe/errors.h"

static const struct backoff restart_backoff = {.first_ms = 100, .max_ms = 30000, .factor = 2};

/* One that served that long has not failed to start. */
#define HEALTHY_AFTER_MS 10000

struct slot {
	struct pool *pool;
	struct instance *instance; /* NULL: waits for its next start */
	struct loop_timer restart;
	unsigned failures; /* in a row */
	bool is_ready;
	int64_t ready_since_ms;
};

struct pool {
	struct loop *loop;
	struct log *log;
	const struct plugin_opts *plugin;
	const struct whitelist *whitelist;
	const char *host_version;
	uint32_t generation;
	const struct pool_ops *ops;
	void *user;

	struct exec_image *image;
	struct manifest *manifest; /* holds; NULL: nobody told yet */
	struct slot *slots;
	unsigned slot_count;
	unsigned next; /* where pool_pick() begins to look */
	unsigned ready;
	bool draining;
	bool drained;
	uint64_t restarts;
	uint64_t past_calls; /* of instances that are dead */
	struct err last_failure;
};

static void start_slot(struct slot *slot);

static struct slot *slot_of(struct pool *pool, const struct instance *instance)
{
	return &pool->slots[instance_number(instance) - 1];
}

/* ---- news from instances ---- */

static bool on_manifest(void *user, struct instance *instance, struct err *err)
{
	struct pool *pool = user;
	struct manifest *told = instance_manifest(instance);

	if (pool->manifest)
		return manifest_equal(pool->manifest, told, err);
	if (!pool->ops->on_manifest(pool->user, pool, told, err))
		return false;
	pool->manifest = manifest_hold(told);
	return true;
}

static void set_ready(struct slot *slot, bool ready)
{
	struct pool *pool = slot->pool;

	if (slot->is_ready == ready)
		return;
	slot->is_ready = ready;
	if (ready)
		slot->ready_since_ms = loop_now_ms(pool->loop);
	pool->ready += ready ? 1 : (unsigned)-1;
	pool->ops->on_change(pool->user, pool);
}

static void on_ready(void *user, struct instance *instance)
{
	set_ready(slot_of(user, instance), true);
}

static void on_fenced(void *user, struct instance *instance)
{
	set_ready(slot_of(user, instance), false);
}

static void on_call(void *user, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	struct pool *pool = user;

	pool->ops->on_call(pool->user, pool, instance, requirement, request);
}

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

static void schedule_restart(struct slot *slot, const struct err *why)
{
	struct pool *pool = slot->pool;
	uint32_t random = 0;
	int64_t delay_ms;

	slot->failures++;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	delay_ms = backoff_delay_ms(&restart_backoff, slot->failures, random);
	pool->last_failure = *why;
	loop_timer_start(&slot->restart, delay_ms);
	log_event(pool->log, LOG_WARN, "instance.died", why->text,
		  LOG_STR("plugin", pool->plugin->name), LOG_INT("number", slot - pool->slots + 1),
		  LOG_INT("code", why->code), LOG_INT("failures", slot->failures),
		  LOG_INT("restart_in_ms", delay_ms));
	if (pool->ops->on_failure)
		pool->ops->on_failure(pool->user, pool, why);
}

static void release_instance(void *instance)
{
	instance_free(instance);
}

static void on_dead(void *user, struct instance *instance, const struct err *why)
{
	struct pool *pool = user;
	struct slot *slot = slot_of(pool, instance);

	if (instance_start_us(instance) > 0 &&
	    loop_now_ms(pool->loop) - slot->ready_since_ms > HEALTHY_AFTER_MS)
		slot->failures = 0;
	pool->past_calls += instance_total_calls(instance);
	slot->instance = NULL;
	if (pool->draining)
		log_event(pool->log, LOG_INFO, "instance.ended", why->text,
			  LOG_STR("plugin", pool->plugin->name),
			  LOG_STR("instance", instance_id(instance)));
	else
		schedule_restart(slot, why);
	loop_retire(pool->loop, release_instance, instance);
	check_drained(pool);
}

static const struct instance_ops instance_ops = {
	.on_manifest = on_manifest,
	.on_ready = on_ready,
	.on_fenced = on_fenced,
	.on_call = on_call,
	.on_dead = on_dead,
};

/* ---- life ---- */

static void start_slot(struct slot *slot)
{
	struct pool *pool = slot->pool;
	struct instance_opts opts = {
		.loop = pool->loop,
		.log = pool->log,
		.plugin = pool->plugin,
		.image = pool->image,
		.host_version = pool->host_version,
		.generation = pool->generation,
		.number = (unsigned)(slot - pool->slots) + 1,
		.ops = &instance_ops,
		.user = pool,
	};
	struct err err;

	slot->instance = instance_new(&opts);
	if (instance_start(slot->instance, &err) == 0)
		return;
	instance_free(slot->instance);
	slot->instance = NULL;
	schedule_restart(slot, &err);
}

static void on_restart(void *user)
{
	struct slot *slot = user;

	slot->pool->restarts++;
	start_slot(slot);
}

struct pool *pool_new(const struct pool_opts *opts)
{
	struct pool *pool = mem_new(struct pool);

	pool->loop = opts->loop;
	pool->log = opts->log;
	pool->plugin = opts->plugin;
	pool->whitelist = opts->whitelist;
	pool->image = opts->image ? exec_image_hold(opts->image) : NULL;
	pool->host_version = opts->host_version;
	pool->generation = opts->generation;
	pool->ops = opts->ops;
	pool->user = opts->user;
	pool->slot_count = opts->plugin->instances;
	pool->slots = mem_array(pool->slot_count, sizeof(*pool->slots));
	for (unsigned i = 0; i < pool->slot_count; i++) {
		pool->slots[i].pool = pool;
		loop_timer_init(&pool->slots[i].restart, pool->loop, on_restart, &pool->slots[i]);
	}
	return pool;
}

int pool_start(struct pool *pool, struct err *err)
{
	int r = 0;

	if (!pool->image)
		r = exec_image_load(pool->whitelist, pool->plugin->executable, pool->plugin->name,
				    &pool->image, err);
	pool->whitelist = NULL;
	if (r < 0) {
		pool->last_failure = *err;
		return r;
	}
	/* A first failure may make the owner drain it from on_failure. */
	for (unsigned i = 0; i < pool->slot_count && !pool->draining; i++)
		start_slot(&pool->slots[i]);
	return 0;
}

void pool_drain(struct pool *pool, int64_t grace_ms)
{
	if (pool->draining)
		return;
	pool->draining = true;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		loop_timer_stop(&pool->slots[i].restart);
		if (pool->slots[i].instance)
			instance_drain(pool->slots[i].instance, grace_ms);
	}
	check_drained(pool);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		loop_timer_stop(&pool->slots[i].restart);
		instance_free(pool->slots[i].instance);
	}
	exec_image_release(pool->image);
	manifest_release(pool->manifest);
	free(pool->slots);
	free(pool);
}

struct instance *pool_pick(struct pool *pool)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[(pool->next + i) % pool->slot_count];

		if (!slot->is_ready)
			continue;
		if (!best ||
		    instance_live_calls(slot->instance) < instance_live_calls(best->instance))
			best = slot;
	}
	if (!best)
		return NULL;
	pool->next = (unsigned)(best - pool->slots) + 1;
	return best->instance;
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

unsigned pool_slot_count(const struct pool *pool)
{
	return pool->slot_count;
}

const struct instance *pool_slot(const struct pool *pool, unsigned slot)
{
	return pool->slots[slot].instance;
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
