/* Another configuration for a plugin that runs, in two steps: all instances are offered it, and
 * when all have taken it the owner decides whether it stays.
 *
 *	in force ──pool_offer_config()──▶ offered ──keep──▶ in force
 *	    ▲                                └──drop: who was offered it gets the old one again
 *	    └──────────────────────────────────┘
 *
 * Every configuration has a number. A place knows which one its instance has; one that started
 * under another than what is in force when it becomes ready is offered that. An instance that
 * refuses what is in force can only begin anew. */
#include "observe/errors.h"
#include "plugin/pool_private.h"

bool pool_takes_config(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct slot *slot = &pool->slots[i];

		if (!slot->is_ready || !instance_takes_config(slot->instance))
			return false;
	}
	return !pool->draining;
}

/* The owner hears once of each offer. */
static void conclude(struct pool *pool, const struct err *why)
{
	if (!pool->config.is_open)
		return;
	pool->config.is_open = false;
	loop_timer_stop(&pool->config.timer);
	pool->ops->on_config(pool->user, pool, why);
}

static void conclude_with(struct slot *slot, const char *what, const char *why)
{
	struct err err;

	err_set(&err, ERR_RELOAD_REFUSED, "%s %s%s%.200s", instance_id(slot->instance), what,
		why[0] ? ": " : "", why);
	conclude(slot->pool, &err);
}

/* An answer that nobody waits for settles nothing; one about what is in force does. */
static void settle_in_force(struct slot *slot, const char *error)
{
	struct err err;

	if (!error[0]) {
		slot->config = slot->offered;
		return;
	}
	err_set(&err, ERR_PLUGIN_FAILED, "it refuses the configuration that is in force: %.200s",
		error);
	instance_fail(slot->instance, &err);
}

void slot_on_config(void *user, struct instance *instance, uint32_t seq, const char *error)
{
	struct slot *slot = user;
	struct pool *pool = slot->pool;

	if (seq != slot->offered)
		return;
	if (seq != pool->config.offered) {
		settle_in_force(slot, error);
		return;
	}
	if (error[0]) {
		slot->offered = slot->config;
		conclude_with(slot, "refuses the configuration", error);
		return;
	}
	slot->config = seq;
	if (--pool->config.awaited == 0)
		conclude(pool, NULL);
}

/* What was plugin->config when the number was given. */
static void offer_in_force(struct slot *slot)
{
	const struct pool *pool = slot->pool;

	slot->offered = pool->config.in_force;
	instance_offer_config(slot->instance, slot->offered, pool->plugin->config,
			      pool->plugin->config_len);
}

void slot_config_ready(struct slot *slot)
{
	if (slot->config != slot->pool->config.in_force && instance_takes_config(slot->instance))
		offer_in_force(slot);
}

void slot_config_lost(struct slot *slot)
{
	if (slot->pool->config.is_open && slot->offered == slot->pool->config.offered)
		conclude_with(slot, "was lost while the configuration was offered to it", "");
}

static void on_late(void *user)
{
	struct pool *pool = user;
	struct err err;

	err_set(&err, ERR_RELOAD_REFUSED,
		"not every instance has answered CONFIG within the handshake_timeout");
	conclude(pool, &err);
}

void pool_config_init(struct pool *pool)
{
	pool->config.last = pool->config.in_force = 1;
	loop_timer_init(&pool->config.timer, pool->loop, on_late, pool);
}

void pool_offer_config(struct pool *pool, const uint8_t *config, size_t len)
{
	pool->config.offered = ++pool->config.last;
	pool->config.awaited = pool->slot_count;
	pool->config.is_open = true;
	loop_timer_start(&pool->config.timer, pool->plugin->handshake_timeout_ms);
	for (unsigned i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];

		slot->offered = pool->config.offered;
		instance_offer_config(slot->instance, slot->offered, config, len);
	}
}

void pool_keep_config(struct pool *pool)
{
	pool->config.in_force = pool->config.offered ? pool->config.offered : ++pool->config.last;
	pool->config.offered = 0;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (pool->slots[i].is_ready)
			slot_config_ready(&pool->slots[i]);
	}
}

void pool_drop_config(struct pool *pool)
{
	uint32_t dropped = pool->config.offered;

	if (!dropped)
		return;
	pool->config.is_open = false;
	loop_timer_stop(&pool->config.timer);
	pool->config.offered = 0;
	pool->config.in_force = ++pool->config.last;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->is_ready && slot->offered == dropped)
			offer_in_force(slot);
		else if (slot->offered != dropped)
			slot->config = slot->offered = pool->config.in_force;
	}
}
