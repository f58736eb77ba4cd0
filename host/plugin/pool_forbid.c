/* A pool whose executable may not run any more.
 *
 *	may run ──pool_forbid()──▶ forbidden: no call, no process ──pool_permit()──▶ may run
 *
 * The pool, its manifest and its sealed image stay: so its services are still known to be its own,
 * and what may run again is started from the very bytes that ran. Who decides is the host's unit,
 * whenever another whitelist is in force; what it means to one place is in slot.c. */
#include "plugin/pool_private.h"

void pool_forbid(struct pool *pool, const struct err *why, enum trust_revoke action)
{
	const struct err *down = pool_down_reason(pool);
	bool is_news = !down || down->code != why->code;

	pool->forbidden = *why;
	pool->last_failure = *why;
	pool->waking = false;
	pool->asleep = false;
	loop_timer_stop(&pool->idle_timer);
	for (unsigned i = 0; i < pool->slot_count; i++)
		slot_forbid(&pool->slots[i], action);
	if (is_news)
		pool_slot_emptied(pool);
}

void pool_permit(struct pool *pool)
{
	if (pool->forbidden.code == 0)
		return;
	pool->forbidden = (struct err){0};
	pool->last_failure = (struct err){0};
	if (pool->draining)
		return;
	pool_stay_awake(pool);
	for (unsigned i = 0; i < pool->slot_count && !pool->draining; i++) {
		struct slot *slot = &pool->slots[i];

		slot->supervisor = (struct supervisor){0};
		if (!slot->instance)
			slot_start(slot);
	}
}

void pool_start_refused(struct pool *pool)
{
	for (unsigned i = 0; i < pool->slot_count && !pool->draining; i++) {
		struct slot *slot = &pool->slots[i];

		if (slot->state != SLOT_DOWN || !slot->is_refused)
			continue;
		pool_stay_awake(pool);
		slot->supervisor = (struct supervisor){0};
		slot_start(slot);
	}
}

const struct err *pool_forbidden(const struct pool *pool)
{
	return pool->forbidden.code ? &pool->forbidden : NULL;
}

void pool_log_remarks(struct log *log, const char *plugin, const struct guard_remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++)
		log_event(log, LOG_WARN, "whitelist.tolerated", remarks->rows[i].text,
			  LOG_STR("plugin", plugin), LOG_INT("code", remarks->rows[i].code));
}
