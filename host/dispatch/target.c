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

struct instance *target_pick(const struct target *target, unsigned avoid, enum outcome *why_out)
{
	struct instance *instance = target->pool ? pool_pick(target->pool, avoid) : NULL;

	if (!instance && target->pool)
		pool_wake(target->pool);
	*why_out = instance ? OUTCOME_OK : OUTCOME_PLUGIN_NOT_READY;
	return instance;
}
