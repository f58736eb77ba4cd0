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
}

void target_serve(struct target *target, const struct plugin_opts *plugin, struct pool *pool)
{
	target->plugin = plugin;
	target->pool = pool;
	target->limit.max_running = plugin->concurrency;
	target->limit.max_waiting = plugin->queue;
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

struct instance *target_pick(const struct target *target, enum outcome *why_out)
{
	struct instance *instance = target->pool ? pool_pick(target->pool) : NULL;

	if (!instance && target->pool)
		pool_wake(target->pool);
	*why_out = instance ? OUTCOME_OK : OUTCOME_PLUGIN_NOT_READY;
	return instance;
}
