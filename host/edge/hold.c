/* Requests that wait for a plugin that has never run.
 *
 * A held exchange has read nothing of its body: the client is held back by TCP. Every news of a
 * plugin lets all who wait for it look again, at the end of the turn, because the news may come
 * from the middle of that plugin's start. Owned by the edge; what is held lives in its exchange's
 * arena. */
#include "edge/hold.h"

#include "edge/edge_internal.h"
#include "edge/stand_in.h"

static void on_timer(void *user)
{
	struct hold *hold = user;
	struct exchange *exchange = hold->exchange;

	hold_end(exchange);
	stand_in_or_fail(exchange,
			 hold->is_late ? OUTCOME_DEADLINE_EXCEEDED : OUTCOME_PLUGIN_NOT_READY,
			 STR_LITERAL("waited too long for the plugin's start"));
}

static unsigned count_of(const struct holds *holds, const struct target *target)
{
	const struct hold *hold;
	unsigned count = 0;

	TAILQ_FOREACH (hold, &holds->list, link)
		count += hold->exchange->target == target;
	return count;
}

bool hold_begin(struct exchange *exchange)
{
	struct edge *edge = exchange->edge;
	struct target *target = exchange->target;
	int64_t wait_ms = target->plugin->queue_timeout_ms;
	int64_t left_ms = exchange_time_left_ms(exchange);
	struct hold *hold;

	if (!target->pool || !pool_is_coming(target->pool, wait_ms) ||
	    count_of(&edge->holds, target) >= target->plugin->queue)
		return false;
	hold = arena_alloc(exchange->request->arena, sizeof(*hold));
	hold->exchange = exchange;
	hold->is_late = left_ms <= wait_ms;
	exchange->hold = hold;
	TAILQ_INSERT_TAIL(&edge->holds.list, hold, link);
	loop_timer_init(&hold->timer, edge->loop, on_timer, hold);
	loop_timer_start(&hold->timer, hold->is_late ? left_ms : wait_ms);
	pool_wake(target->pool);
	return true;
}

void hold_end(struct exchange *exchange)
{
	struct hold *hold = exchange->hold;

	if (!hold)
		return;
	exchange->hold = NULL;
	loop_timer_stop(&hold->timer);
	TAILQ_REMOVE(&exchange->edge->holds.list, hold, link);
}

static bool is_decided(const struct exchange *exchange)
{
	const struct pool *pool = exchange->target->pool;

	return !pool || pool_ready_count(pool) > 0 ||
	       !pool_is_coming(pool, exchange->target->plugin->queue_timeout_ms);
}

static void on_retry(void *user)
{
	struct holds *holds = user;
	struct hold *hold = TAILQ_FIRST(&holds->list);

	while (hold) {
		struct hold *next = TAILQ_NEXT(hold, link);
		struct exchange *exchange = hold->exchange;

		if (is_decided(exchange)) {
			hold_end(exchange);
			holds->lead(exchange);
		}
		hold = next;
	}
}

void holds_init(struct holds *holds, struct loop *loop, void (*lead)(struct exchange *exchange))
{
	TAILQ_INIT(&holds->list);
	loop_flush_init(&holds->retry, on_retry, holds);
	holds->lead = lead;
}

void holds_on_change(struct holds *holds, struct loop *loop)
{
	if (!TAILQ_EMPTY(&holds->list))
		loop_flush_queue(loop, &holds->retry);
}
