/* What a service name resolves to. Owns counters and the queue's head; the pool belongs to the
 * host. */
#include "dispatch/target.h"

void target_init(struct target *target, const struct plugin_opts *plugin)
{
	*target = (struct target){
		.plugin = plugin,
		.limit = {.max_running = plugin->concurrency, .max_waiting = plugin->queue},
	};
	TAILQ_INIT(&target->waiting);
	retry_budget_init(&target->budget, &plugin->retry, plugin->concurrency);
	breaker_init(&target->breaker, &plugin->breaker);
	adaptive_init(&target->adaptive, plugin->concurrency);
}

void target_deinit(struct target *target)
{
	poison_deinit(&target->poison);
}

void target_serve(struct target *target, const struct plugin_opts *plugin, struct pool *pool)
{
	target->plugin = plugin;
	target->pool = pool;
	target->limit.max_running = plugin->concurrency;
	adaptive_init(&target->adaptive, plugin->concurrency);
	target->limit.max_waiting = plugin->queue;
	target->budget.opts = &plugin->retry;
	target->breaker.opts = &plugin->breaker;
}

int64_t target_patience_ms(const struct target *target)
{
	int64_t patience_ms = target->plugin->queue_timeout_ms;

	if (target->limit.held && patience_ms < TARGET_HOLD_PATIENCE_MS)
		return TARGET_HOLD_PATIENCE_MS;
	return patience_ms;
}

void target_set_canary(struct target *target, struct pool *pool, struct canary *canary)
{
	target->canary_pool = pool;
	target->canary = canary;
}

static struct instance *pick_canary(const struct target *target, const struct target_wish *wish)
{
	if (!target->canary || !wish->is_first || !canary_takes(target->canary, wish->key))
		return NULL;
	return pool_pick(target->canary_pool, wish->avoid);
}

struct target_choice target_pick(const struct target *target, const struct target_wish *wish)
{
	struct instance *instance = pick_canary(target, wish);

	if (instance)
		return (struct target_choice){instance, target->canary_pool, true};
	if (!target->pool)
		return (struct target_choice){NULL, NULL, false};
	instance = pool_pick(target->pool, wish->avoid);
	if (!instance)
		pool_wake(target->pool);
	return (struct target_choice){instance, target->pool, false};
}

bool target_can_serve(const struct target *target)
{
	if (!target->pool)
		return false;
	return pool_ready_count(target->pool) > 0 ||
	       pool_is_coming(target->pool, target->plugin->queue_timeout_ms);
}

uint32_t target_ready_in_ms(const struct target *target)
{
	int64_t in_ms = target->pool ? pool_next_start_ms(target->pool) : POOL_NEVER;

	return in_ms == POOL_NEVER ? 0 : (uint32_t)in_ms;
}
