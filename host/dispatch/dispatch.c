/* The door: one call, carried well.
 *
 * Owns the open calls. Edge, admin and the plugins' own calls come in here; below is the pool. The
 * limit and the deadline decide; this room obeys: it starts the attempts, passes their news up, and
 * completes the call exactly once. dispatch_internal.h has the drawing and says which file does
 * what. */
#include "dispatch/dispatch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

/* ---- the stages of a call ---- */

void call_move(struct dispatch_call *call, enum call_stage next)
{
	int64_t now_us = loop_now_us(call->dispatch->loop);

	if (call->stage == STAGE_RUNS)
		call->plugin_us += now_us - call->stage_us;
	else
		call->queue_us += now_us - call->stage_us;
	call->stage = next;
	call->stage_us = now_us;
}

void call_leave_place(struct dispatch_call *call)
{
	struct target *target = call->target;

	limit_leave(&target->limit);
	if (target->limit.waiting > 0)
		loop_flush_queue(call->dispatch->loop, &target->turn);
}

/* Without the copy of its request. */
static void release(struct dispatch_call *call, enum outcome outcome)
{
	struct dispatch *dispatch = call->dispatch;

	due_set(call, DEADLINE_NEVER);
	manifest_release(call->manifest);
	call->next_free = dispatch->free_list;
	dispatch->free_list = call;
	dispatch->open--;
	call->target->outcomes[outcome]++;
	meter_count(call->meter, outcome, call->queue_us, call->plugin_us);
	if (call->stage == STAGE_RUNS)
		call_leave_place(call);
}

/* That the host refuses another try does not hide how the last one ended. */
static void tell_failure(const struct dispatch_call *call, struct dispatch_result *result)
{
	bool is_refusal = result->outcome == OUTCOME_PLUGIN_NOT_READY ||
			  result->outcome == OUTCOME_PLUGIN_OVERLOADED ||
			  result->outcome == OUTCOME_BREAKER_OPEN;

	if (!is_refusal || call->failure == OUTCOME_OK)
		return;
	result->outcome = call->failure;
	result->message = (struct str){NULL, 0};
}

static enum stand_in_answer judge_stand_in(const struct dispatch_call *call, enum outcome outcome)
{
	const struct pool *pool = call->target->pool;

	return stand_in_decide(&(struct stand_in_case){
		.outcome = outcome,
		.has_ready = pool && pool_ready_count(pool) > 0,
		.may_have_acted = call->may_have_acted,
		.is_idempotent = call->is_idempotent,
		.is_begun = call->is_begun,
		.is_at_hand = call->request != NULL,
	});
}

/* The request is the caller's until on_done returns, and the call may be another one by then. */
void call_complete(struct dispatch_call *call, const struct dispatch_result *what)
{
	struct dispatch_result result = *what;
	struct wire_request *kept = call->kept;
	const struct dispatch_ops *ops = call->ops;
	void *user = call->user;

	result.stand_in = judge_stand_in(call, what->outcome);
	result.request = call->request;
	tell_failure(call, &result);
	call_move(call, call->stage);
	result.queue_us = call->queue_us;
	result.plugin_us = call->plugin_us;
	result.attempts = call->attempts + call->resends;
	result.instance = call->instance ? instance_id(call->instance) : NULL;
	call->kept = NULL;
	release(call, result.outcome);
	ops->on_done(user, &result);
	free(kept);
}

void call_complete_with(struct dispatch_call *call, enum outcome outcome, struct str message)
{
	call_complete(call, &(struct dispatch_result){.outcome = outcome, .message = message});
}

bool call_enter(struct dispatch_call *call)
{
	if (quarantine_refuses(call)) {
		call_complete_with(call, OUTCOME_POISON_REQUEST, (struct str){NULL, 0});
		return false;
	}
	if (breaker_is_shut(&call->target->breaker, loop_now_ms(call->dispatch->loop))) {
		gate_refuse(call);
		return false;
	}
	switch (limit_enter(&call->target->limit)) {
	case LIMIT_RUN:
		return attempt_begin(call);
	case LIMIT_WAIT:
		wait_turn(call);
		return true;
	case LIMIT_REFUSE:
		break;
	}
	call_complete_with(call, OUTCOME_PLUGIN_OVERLOADED, STR_LITERAL("its queue is full"));
	return false;
}

/* Within the rate? False: it is completed. */
static bool is_within_rate(struct dispatch_call *call)
{
	const struct rate_opts *opts = &call->target->plugin->rate;
	struct tokens_rate rate = {opts->per_second, opts->burst ? opts->burst : opts->per_second};
	int64_t wait_ms;

	if (opts->per_second == 0 ||
	    tokens_take(&call->target->tokens, rate, loop_now_us(call->dispatch->loop), &wait_ms))
		return true;
	call_complete(call, &(struct dispatch_result){.outcome = OUTCOME_RATE_LIMITED,
						      .retry_after_ms = (uint32_t)wait_ms});
	return false;
}

/* ---- life ---- */

struct dispatch *dispatch_new(struct loop *loop)
{
	struct dispatch *dispatch = mem_new(struct dispatch);

	dispatch->loop = loop;
	dispatch->random = (uint32_t)loop_now_us(loop) | 1;
	due_init(dispatch);
	return dispatch;
}

void dispatch_log_to(struct dispatch *dispatch, struct log *log)
{
	dispatch->log = log;
}

void dispatch_free(struct dispatch *dispatch)
{
	struct dispatch_call *call;

	if (!dispatch)
		return;
	assert(dispatch->open == 0);
	due_stop(dispatch);
	while ((call = dispatch->free_list)) {
		dispatch->free_list = call->next_free;
		free(call);
	}
	free(dispatch);
}

void dispatch_init_target(struct target *target, const struct plugin_opts *plugin)
{
	target_init(target, plugin);
	loop_flush_init(&target->turn, wait_on_turn, target);
}

void dispatch_wake(struct dispatch *dispatch, struct target *target)
{
	if (target->limit.waiting > 0)
		loop_flush_queue(dispatch->loop, &target->turn);
}

/* ---- for callers ---- */

static struct dispatch_call *take_call(struct dispatch *dispatch)
{
	struct dispatch_call *call = dispatch->free_list;

	if (call) {
		dispatch->free_list = call->next_free;
	} else {
		call = mem_new(struct dispatch_call);
		call->dispatch = dispatch;
		call->due_ms = DEADLINE_NEVER;
	}
	dispatch->open++;
	return call;
}

struct dispatch_call *dispatch_start(struct dispatch *dispatch, const struct dispatch_opts *opts,
				     const struct dispatch_ops *ops, void *user)
{
	struct dispatch_call *call = take_call(dispatch);

	call->target = opts->target;
	call->ops = ops;
	call->user = user;
	call->request = opts->request;
	call->request_stays = opts->request_stays;
	call->is_idempotent = opts->is_idempotent;
	call->is_impatient = opts->is_impatient;
	call->stage = STAGE_WAITS;
	call->stage_us = loop_now_us(dispatch->loop);
	call->queue_us = 0;
	call->plugin_us = 0;
	call->deadline_ms = deadline_in(loop_now_ms(dispatch->loop), opts->timeout_ms);
	call->instance = NULL;
	call->call = NULL;
	call->writable = false;
	call->is_begun = false;
	call->is_refused = false;
	call->may_have_acted = false;
	call->failure = OUTCOME_OK;
	call->attempts = 0;
	call->resends = 0;
	call->avoid = 0;
	call->key = opts->key;
	call->meter = opts->meter;
	call->manifest = opts->manifest ? manifest_hold(opts->manifest) : NULL;
	retry_budget_earn(&opts->target->budget);
	return is_within_rate(call) && call_enter(call) ? call : NULL;
}

bool dispatch_is_writable(const struct dispatch_call *call)
{
	return call->writable;
}

bool dispatch_is_running(const struct dispatch_call *call)
{
	return call->stage == STAGE_RUNS;
}

void dispatch_refuse_answer(struct dispatch_call *call, struct str why)
{
	assert(call->stage == STAGE_RUNS && !call->call);
	call->is_refused = true;
	call->refusal = why;
}

void dispatch_send(struct dispatch_call *call, struct wire_bytes payload, bool more, bool end)
{
	assert(call->call);
	call->writable = instance_call_send(call->instance, call->call, payload, more, end);
}

void dispatch_consumed(struct dispatch_call *call, uint32_t bytes)
{
	instance_call_consumed(call->instance, call->call, bytes);
}

void dispatch_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason)
{
	assert(call->call || call->stage != STAGE_RUNS);
	if (call->stage == STAGE_RUNS)
		attempt_cancel(call, outcome, reason);
	else if (call->stage == STAGE_WAITS)
		wait_leave(call);
	free(call->kept);
	call->kept = NULL;
	call_move(call, call->stage);
	release(call, outcome);
}

void dispatch_spent(const struct dispatch_call *call, int64_t *queue_us_out, int64_t *plugin_us_out)
{
	int64_t stage_us = loop_now_us(call->dispatch->loop) - call->stage_us;
	bool runs = call->stage == STAGE_RUNS;

	*queue_us_out = call->queue_us + (runs ? 0 : stage_us);
	*plugin_us_out = call->plugin_us + (runs ? stage_us : 0);
}

void dispatch_hold(struct dispatch *dispatch, struct target *target, bool held)
{
	target->limit.held = held;
	if (!held)
		loop_flush_queue(dispatch->loop, &target->turn);
}

unsigned dispatch_open_count(const struct dispatch *dispatch)
{
	return dispatch->open;
}
