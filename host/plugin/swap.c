/* One generation takes the place of another.
 *
 *	NEW ──▶ START ──all ready──▶ WARM ──all well──▶ CANARY ──did as well──▶ DRAIN ──▶ DONE
 *	          │                   ▲ └──────── no canary ─────────────────────▶ │
 *	          └─all wait─▶ HAND OVER ──state taken, all ready                  (switched)
 *	                        (calls wait, two seconds at most)
 *	   of a reload: WARM ──all well──▶ PREPARED ──swap_commit()──▶ DRAIN ──▶ DONE
 *	   before the switch: refused, died, not well, too late, aborted ──▶ FAILED
 *
 * Owns its state, its timers and a hand-off. The handshake's time-out bounds START (an instance
 * that is late fails), the health check's bounds WARM, the hold bounds HAND OVER and the WARM after
 * it, the drain's time-out bounds DRAIN. The unit of the host that has the pools tells their news
 * and does what the ops ask. The first failure of the new generation ends the swap: what dies at
 * its start is not waited for. */
#include "plugin/swap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sm.h"
#include "observe/errors.h"
#include "plugin/handoff.h"

/* How often it looks whether the old calls have ended, and how a canary does. */
#define QUIET_LOOK_MS  2
#define CANARY_LOOK_MS 100

static const struct sm_state steps[] = {
	[SWAP_NEW] = {"new", SM_BIT(SWAP_START)},
	[SWAP_START] = {"start", SM_BIT(SWAP_HAND_OVER) | SM_BIT(SWAP_WARM) | SM_BIT(SWAP_FAILED)},
	[SWAP_HAND_OVER] = {"hand-over", SM_BIT(SWAP_WARM) | SM_BIT(SWAP_FAILED)},
	[SWAP_WARM] = {"warm", SM_BIT(SWAP_CANARY) | SM_BIT(SWAP_PREPARED) | SM_BIT(SWAP_DRAIN) |
				       SM_BIT(SWAP_FAILED)},
	[SWAP_CANARY] = {"canary", SM_BIT(SWAP_DRAIN) | SM_BIT(SWAP_FAILED)},
	[SWAP_PREPARED] = {"prepared", SM_BIT(SWAP_DRAIN) | SM_BIT(SWAP_FAILED)},
	[SWAP_DRAIN] = {"drain", SM_BIT(SWAP_DONE)},
	[SWAP_DONE] = {"done", 0},
	[SWAP_FAILED] = {"failed", 0},
};

struct swap {
	struct swap_opts opts;
	enum swap_step step;
	struct handoff *handoff; /* NULL: the old calls have not ended, or it is not for state */
	bool is_held;		 /* calls wait */
	struct loop_timer look;	 /* for the old calls' end; for the canary */
	struct loop_timer hold;	 /* while calls wait */
	int64_t canary_since_ms;
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

	if (swap->opts.ops->on_progress)
		swap->opts.ops->on_progress(swap->opts.user, &news);
}

static void swap_move(struct swap *swap, enum swap_step next, const char *why)
{
	assert(sm_may_move(steps, swap->step, next));
	log_event(swap->opts.log, next == SWAP_FAILED ? LOG_WARN : LOG_INFO, "swap.step", why,
		  LOG_STR("plugin", swap->opts.plugin), LOG_STR("step", swap_step_name(next)),
		  LOG_STR("from", swap_step_name(swap->step)));
	loop_timer_stop(&swap->look);
	swap->step = next;
}

static void hold(struct swap *swap, bool held)
{
	if (swap->is_held == held)
		return;
	swap->is_held = held;
	if (held)
		loop_timer_start(&swap->hold, SWAP_HOLD_MS);
	else
		loop_timer_stop(&swap->hold);
	swap->opts.ops->on_hold(swap->opts.user, held);
}

/* ---- the ends ---- */

static void release_handoff(void *handoff)
{
	handoff_free(handoff);
}

/* It may be on the call stack. */
static void drop_handoff(struct swap *swap)
{
	if (swap->handoff)
		loop_retire(swap->opts.loop, release_handoff, swap->handoff);
	swap->handoff = NULL;
}

static bool is_before_switch(const struct swap *swap)
{
	return swap->step > SWAP_NEW && swap->step < SWAP_DRAIN;
}

static void fail(struct swap *swap, const struct err *why)
{
	bool was_canary = swap->step == SWAP_CANARY;

	if (!is_before_switch(swap))
		return;
	swap_move(swap, SWAP_FAILED, why->text);
	handoff_abandon(swap->handoff);
	drop_handoff(swap);
	if (was_canary)
		swap->opts.ops->on_canary(swap->opts.user, false);
	hold(swap, false);
	swap->opts.ops->on_end(swap->opts.user, why);
}

static void fail_with(struct swap *swap, int code, const char *why)
{
	struct err err;

	err_set(&err, code, "%s", why);
	fail(swap, &err);
}

static void finish(struct swap *swap)
{
	swap_move(swap, SWAP_DONE, "");
	swap->opts.ops->on_end(swap->opts.user, NULL);
}

/* Of a reload: its commit has been allowed as a whole. */
static bool may_switch(const struct swap *swap, struct err *err)
{
	return swap->opts.waits_for_commit || !swap->opts.ops->may_switch ||
	       swap->opts.ops->may_switch(swap->opts.user, err) == 0;
}

static void switch_over(struct swap *swap)
{
	bool was_canary = swap->step == SWAP_CANARY;
	struct err err;

	if (!may_switch(swap, &err)) {
		fail(swap, &err);
		return;
	}

	swap_move(swap, SWAP_DRAIN, "the new generation serves");
	drop_handoff(swap);
	tell(swap, 0, 0);
	if (was_canary)
		swap->opts.ops->on_canary(swap->opts.user, false);
	swap->opts.ops->on_switch(swap->opts.user);
	hold(swap, false);
	if (!swap->opts.old || swap->opts.waits_for_commit)
		finish(swap);
}

/* ---- canary ---- */

static void begin_canary(struct swap *swap)
{
	swap_move(swap, SWAP_CANARY, "a share of the calls goes to the new generation");
	swap->canary_since_ms = loop_now_ms(swap->opts.loop);
	tell(swap, 0, (unsigned)swap->opts.canary_ms);
	loop_timer_start(&swap->look, CANARY_LOOK_MS);
	swap->opts.ops->on_canary(swap->opts.user, true);
}

static void look_at_canary(struct swap *swap)
{
	int64_t elapsed_ms = loop_now_ms(swap->opts.loop) - swap->canary_since_ms;
	struct err err;

	switch (swap->opts.ops->judge(swap->opts.user, elapsed_ms, &err)) {
	case SWAP_GOES_ON:
		tell(swap, (unsigned)elapsed_ms, (unsigned)swap->opts.canary_ms);
		loop_timer_start(&swap->look, CANARY_LOOK_MS);
		break;
	case SWAP_PASSES:
		switch_over(swap);
		break;
	case SWAP_FAILS:
		fail(swap, &err);
		break;
	}
}

/* ---- warm ---- */

static void go_on_warm(struct swap *swap)
{
	if (swap->opts.canary_ms > 0) {
		begin_canary(swap);
	} else if (swap->opts.waits_for_commit) {
		swap_move(swap, SWAP_PREPARED, "it can take over");
		swap->opts.ops->on_prepared(swap->opts.user);
	} else {
		switch_over(swap);
	}
}

/* The first instance that is not well; NULL: none is. */
static const struct instance *find_ill(const struct pool *pool)
{
	for (unsigned i = 0; i < pool_slot_count(pool); i++) {
		const struct instance *instance = pool_slot(pool, i);

		if (instance && instance_has_answered(instance) &&
		    instance_health_report(instance)->news == HEALTH_SAYS_UNHEALTHY)
			return instance;
	}
	return NULL;
}

static void look_at_health(struct swap *swap)
{
	const struct pool *next = swap->opts.next;
	const struct instance *ill = find_ill(next);
	struct err err;

	if (ill) {
		err_set(&err, ERR_PLUGIN_UNHEALTHY, "%s is not well: %s", instance_id(ill),
			instance_health_report(ill)->message);
		fail(swap, &err);
		return;
	}
	tell(swap, pool_answered_count(next), pool_slot_count(next));
	if (pool_answered_count(next) == pool_slot_count(next))
		go_on_warm(swap);
}

static void begin_warm(struct swap *swap)
{
	swap_move(swap, SWAP_WARM, "");
	if (!swap->opts.is_asked) {
		go_on_warm(swap);
		return;
	}
	tell(swap, 0, pool_slot_count(swap->opts.next));
	pool_ask(swap->opts.next);
}

/* ---- hand-over ---- */

static void on_handed_over(void *user, const struct err *why)
{
	struct swap *swap = user;

	if (why)
		fail(swap, why);
	else
		pool_begin(swap->opts.next);
}

static void look_whether_quiet(struct swap *swap)
{
	if (pool_open_calls(swap->opts.old) > 0) {
		loop_timer_start(&swap->look, QUIET_LOOK_MS);
		return;
	}
	swap->handoff = handoff_start(
		&(struct handoff_opts){swap->opts.old, swap->opts.next, on_handed_over, swap});
}

static void begin_hand_over(struct swap *swap)
{
	struct err err;

	if (handoff_check(swap->opts.old, swap->opts.next, &err) < 0) {
		fail(swap, &err);
		return;
	}
	swap_move(swap, SWAP_HAND_OVER, "calls wait for the state to be handed over");
	tell(swap, 0, 0);
	hold(swap, true);
	look_whether_quiet(swap);
}

static void on_hold_over(void *user)
{
	fail_with(user, ERR_PLUGIN_STATE,
		  "the state was not handed over within 2 s, and the calls can't wait longer");
}

static void on_look(void *user)
{
	struct swap *swap = user;

	if (swap->step == SWAP_CANARY)
		look_at_canary(swap);
	else
		look_whether_quiet(swap);
}

/* ---- for the owner of the pools ---- */

void swap_start(struct swap *swap)
{
	struct err err;

	swap_move(swap, SWAP_START, "");
	tell(swap, 0, pool_slot_count(swap->opts.next));
	if (pool_start(swap->opts.next, &err) < 0)
		fail(swap, &err);
}

void swap_commit(struct swap *swap)
{
	assert(swap->step == SWAP_PREPARED);
	switch_over(swap);
}

void swap_abort(struct swap *swap, const struct err *why)
{
	fail(swap, why);
}

static void on_next_change(struct swap *swap)
{
	const struct pool *next = swap->opts.next;

	switch (swap->step) {
	case SWAP_START:
		tell(swap, pool_ready_count(next), pool_slot_count(next));
		if (pool_is_waiting(next))
			begin_hand_over(swap);
		else if (pool_is_complete(next))
			begin_warm(swap);
		break;
	case SWAP_HAND_OVER:
		if (pool_is_complete(next))
			begin_warm(swap);
		break;
	case SWAP_WARM:
		look_at_health(swap);
		break;
	case SWAP_NEW:
	case SWAP_CANARY:
	case SWAP_PREPARED:
	case SWAP_DRAIN:
	case SWAP_DONE:
	case SWAP_FAILED:
		break;
	}
}

void swap_on_change(struct swap *swap, const struct pool *pool)
{
	if (pool == swap->opts.next)
		on_next_change(swap);
	else if (pool == swap->opts.old && swap->is_held && !pool_is_complete(pool))
		fail_with(swap, ERR_PLUGIN_STATE, "an instance of the old generation was lost");
}

void swap_on_failure(struct swap *swap, const struct pool *pool, const struct err *why)
{
	if (pool == swap->opts.next)
		fail(swap, why);
}

void swap_on_drained(struct swap *swap, const struct pool *pool)
{
	if (pool == swap->opts.old && swap->step == SWAP_DRAIN)
		finish(swap);
}

/* ---- life ---- */

struct swap *swap_new(const struct swap_opts *opts)
{
	struct swap *swap = mem_new(struct swap);

	swap->opts = *opts;
	loop_timer_init(&swap->look, opts->loop, on_look, swap);
	loop_timer_init(&swap->hold, opts->loop, on_hold_over, swap);
	return swap;
}

void swap_free(struct swap *swap)
{
	if (!swap)
		return;
	loop_timer_stop(&swap->look);
	loop_timer_stop(&swap->hold);
	handoff_free(swap->handoff);
	free(swap);
}
