/* When something must happen to a call.
 *
 * Every open call has one such time: the end of its wait, its deadline, or its next try. They stand
 * in one list, the earliest first, with one timer for the first of them that is left alone when
 * that call ends in time. Calls mostly have the same timeout, so a new one goes to the end at once:
 * a deadline costs a call nothing that can be measured. */
#include "dispatch/dispatch_internal.h"

static void start_timer(struct dispatch *dispatch, int64_t due_ms)
{
	dispatch->timer_ms = due_ms;
	loop_timer_start(&dispatch->timer, due_ms - loop_now_ms(dispatch->loop));
}

void due_set(struct dispatch_call *call, int64_t due_ms)
{
	struct dispatch *dispatch = call->dispatch;
	struct dispatch_call *before;

	if (call->due_ms != DEADLINE_NEVER)
		TAILQ_REMOVE(&dispatch->due, call, due_link);
	call->due_ms = due_ms;
	if (due_ms == DEADLINE_NEVER)
		return;
	before = TAILQ_LAST(&dispatch->due, dispatch_queue);
	while (before && before->due_ms > due_ms)
		before = TAILQ_PREV(before, dispatch_queue, due_link);
	if (before)
		TAILQ_INSERT_AFTER(&dispatch->due, before, call, due_link);
	else
		TAILQ_INSERT_HEAD(&dispatch->due, call, due_link);
	if (due_ms < dispatch->timer_ms)
		start_timer(dispatch, due_ms);
}

static void on_deadline(struct dispatch_call *call)
{
	struct str message = {NULL, 0};

	if (call->stage == STAGE_RUNS)
		attempt_cancel(call, OUTCOME_DEADLINE_EXCEEDED,
			       STR_LITERAL("the deadline has passed"));
	else
		message = STR_LITERAL("waited too long for its turn");
	if (call->stage == STAGE_WAITS)
		wait_leave(call);
	call_complete_with(call, OUTCOME_DEADLINE_EXCEEDED, message);
}

static void on_due(struct dispatch_call *call, int64_t now_ms)
{
	if (now_ms >= call->deadline_ms) {
		on_deadline(call);
	} else if (call->stage == STAGE_RESTS) {
		due_set(call, DEADLINE_NEVER);
		call_enter(call);
	} else {
		wait_leave(call);
		wait_in_vain(call);
	}
}

static void on_timer(void *user)
{
	struct dispatch *dispatch = user;
	int64_t now_ms = loop_now_ms(dispatch->loop);
	struct dispatch_call *call;

	dispatch->timer_ms = DEADLINE_NEVER;
	while ((call = TAILQ_FIRST(&dispatch->due)) && call->due_ms <= now_ms)
		on_due(call, now_ms);
	if (call && call->due_ms < dispatch->timer_ms)
		start_timer(dispatch, call->due_ms);
}

void due_init(struct dispatch *dispatch)
{
	dispatch->timer_ms = DEADLINE_NEVER;
	TAILQ_INIT(&dispatch->due);
	loop_timer_init(&dispatch->timer, dispatch->loop, on_timer, dispatch);
}

void due_stop(struct dispatch *dispatch)
{
	loop_timer_stop(&dispatch->timer);
}
