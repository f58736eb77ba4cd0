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
}

void target_serve(struct target *target, const struct plugin_opts *plugin, struct pool *pool)
{
	target->plugin = plugin;
	target->pool = pool;
	target->limit.max_running = plugin->concurrency;
	target->limit.max_waiting = plugin->queue;
	target->budget.opts = &plugin->retry;
	target->breaker.opts = &plugin->breaker;
}

struct instance *target_pick(const struct target *target, unsigned avoid)
{
	struct instance *instance = target->pool ? pool_pick(target->pool, avoid) : NULL;

	if (!instance && target->pool)
		pool_wake(target->pool);
	return instance;
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
