/* When a pool has processes at all.
 *
 *	asleep ──pool_wake(): the next call──▶ awake ──no call for idle_timeout──▶ asleep
 *
 * A lazy plugin begins asleep, an eager one awake. Asleep it is as good as ready: whoever needs it
 * wakes it and waits for the start. Called by those who call the plugin, and by its own timer. */
#include "plugin/pool_private.h"

static bool is_starting(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->slot_count; i++) {
		const struct slot *slot = &pool->slots[i];

		if (slot->instance && instance_state(slot->instance) < INSTANCE_READY)
			return true;
	}
	return false;
}

static void fall_asleep(struct pool *pool)
{
	pool->asleep = true;
	log_event(pool->log, LOG_INFO, "plugin.asleep", "nobody has called it for its idle_timeout",
		  LOG_STR("plugin", pool->plugin->name));
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_sleep(&pool->slots[i]);
}

static void on_idle_look(void *user)
{
	struct pool *pool = user;
	int64_t idle_ms =
		idle_look(&pool->idle, pool_total_calls(pool),
			  is_starting(pool) || pool_open_calls(pool) > 0, loop_now_ms(pool->loop));

	if (idle_ms >= pool->plugin->idle_timeout_ms)
		fall_asleep(pool);
	else
		loop_timer_start(&pool->idle_timer, idle_wait_ms(pool->plugin->idle_timeout_ms));
}

void pool_sleep_init(struct pool *pool, bool may_sleep)
{
	loop_timer_init(&pool->idle_timer, pool->loop, on_idle_look, pool);
	pool->asleep = may_sleep && pool->plugin->start == PLUGIN_LAZY;
	for (unsigned i = 0; pool->asleep && i < pool->slot_count; i++)
		pool->slots[i].state = SLOT_ASLEEP;
}

void pool_stay_awake(struct pool *pool)
{
	pool->asleep = false;
	if (pool->plugin->idle_timeout_ms == 0)
		return;
	idle_init(&pool->idle, pool_total_calls(pool), loop_now_ms(pool->loop));
	loop_timer_start(&pool->idle_timer, idle_wait_ms(pool->plugin->idle_timeout_ms));
}

void pool_sleep_apply(struct pool *pool)
{
	bool may_sleep = pool->plugin->start == PLUGIN_LAZY || pool->plugin->idle_timeout_ms > 0;

	if (pool->draining || pool->forbidden.code)
		return;
	loop_timer_stop(&pool->idle_timer);
	if (!pool->asleep)
		pool_stay_awake(pool);
	else if (!may_sleep)
		pool_wake(pool);
}

void pool_wake(struct pool *pool)
{
	if (!pool_is_asleep(pool))
		return;
	log_event(pool->log, LOG_INFO, "plugin.woken", "somebody calls it",
		  LOG_STR("plugin", pool->plugin->name));
	pool->waking = true;
	pool_stay_awake(pool);
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_wake(&pool->slots[i]);
}

bool pool_is_asleep(const struct pool *pool)
{
	return pool->asleep && pool->image && !pool->draining && !pool_down_reason(pool);
}

bool pool_is_available(const struct pool *pool)
{
	return pool->ready > 0 || pool->waking || pool_is_asleep(pool);
}

bool pool_is_coming(const struct pool *pool, int64_t within_ms)
{
	if (pool->draining || pool->forbidden.code)
		return false;
	for (unsigned i = 0; i < pool->slot_count; i++) {
		if (slot_is_coming(&pool->slots[i], within_ms))
			return true;
	}
	return pool_is_asleep(pool);
}
