/* One generation takes the place of another.
 *
 *	NEW ──start──▶ START ──all ready──▶ DRAIN ──last process of the old one ended──▶ DONE
 *	                 │               (switched)
 *	                 └──refused, died, too late, aborted──▶ FAILED
 *
 * Owns its state and nothing else. The handshake's time-out bounds START (an instance that is late
 * fails), the drain's bounds DRAIN. The unit of the host that has the pools tells their news and
 * does what the ops ask. The first failure of the new generation ends the swap: what dies at its
 * start is not waited for. */
#include "plugin/swap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sm.h"

static const struct sm_state steps[] = {
	[SWAP_NEW] = {"new", SM_BIT(SWAP_START)},
	[SWAP_START] = {"start", SM_BIT(SWAP_DRAIN) | SM_BIT(SWAP_FAILED)},
	[SWAP_DRAIN] = {"drain", SM_BIT(SWAP_DONE)},
	[SWAP_DONE] = {"done", 0},
	[SWAP_FAILED] = {"failed", 0},
};

struct swap {
	struct log *log;
	const char *plugin;
	const struct pool *old;
	struct pool *next;
	const struct swap_ops *ops;
	void *user;
	enum swap_step step;
};

const char *swap_step_name(enum swap_step step)
{
	return steps[step].name;
}

enum swap_step swap_step(const struct swap *swap)
{
	return swap->step;
}

static void tell(const struct swap *swap, unsigned done, unsigned of)
{
	struct swap_news news = {swap->step, done, of};

	if (swap->ops->on_progress)
		swap->ops->on_progress(swap->user, &news);
}

static void swap_move(struct swap *swap, enum swap_step next, const char *why)
{
	assert(sm_may_move(steps, swap->step, next));
	log_event(swap->log, next == SWAP_FAILED ? LOG_WARN : LOG_INFO, "swap.step", why,
		  LOG_STR("plugin", swap->plugin), LOG_STR("step", swap_step_name(next)),
		  LOG_STR("from", swap_step_name(swap->step)));
	swap->step = next;
}

static void fail(struct swap *swap, const struct err *why)
{
	swap_move(swap, SWAP_FAILED, why->text);
	swap->ops->on_end(swap->user, why);
}

static void finish(struct swap *swap)
{
	swap_move(swap, SWAP_DONE, "");
	swap->ops->on_end(swap->user, NULL);
}

static void switch_over(struct swap *swap)
{
	swap_move(swap, SWAP_DRAIN, "the new generation serves");
	tell(swap, 0, 0);
	swap->ops->on_switch(swap->user);
	if (!swap->old)
		finish(swap);
}

void swap_start(struct swap *swap)
{
	struct err err;

	swap_move(swap, SWAP_START, "");
	tell(swap, 0, pool_slot_count(swap->next));
	if (pool_start(swap->next, &err) < 0)
		fail(swap, &err);
}

void swap_abort(struct swap *swap, const struct err *why)
{
	if (swap->step == SWAP_START)
		fail(swap, why);
}

void swap_on_change(struct swap *swap, const struct pool *pool)
{
	if (pool != swap->next || swap->step != SWAP_START)
		return;
	tell(swap, pool_ready_count(pool), pool_slot_count(pool));
	if (pool_is_complete(pool))
		switch_over(swap);
}

void swap_on_failure(struct swap *swap, const struct pool *pool, const struct err *why)
{
	if (pool == swap->next && swap->step == SWAP_START)
		fail(swap, why);
}

void swap_on_drained(struct swap *swap, const struct pool *pool)
{
	if (pool == swap->old && swap->step == SWAP_DRAIN)
		finish(swap);
}

struct swap *swap_new(const struct swap_opts *opts)
{
	struct swap *swap = mem_new(struct swap);

	swap->log = opts->log;
	swap->plugin = opts->plugin;
	swap->old = opts->old;
	swap->next = opts->next;
	swap->ops = opts->ops;
	swap->user = opts->user;
	return swap;
}

void swap_free(struct swap *swap)
{
	free(swap);
}
