/* The target's breaker at work: lets tries through, tells it what became of them, and tells the log
 * when it changes its mind. */
#include "dispatch/dispatch_internal.h"
#include "observe/errors.h"

static const struct {
	enum log_level level;
	const char *event;
	const char *words;
} news[] = {
	[BREAKER_CLOSED] = {LOG_INFO, "breaker.closed", "calls succeed again"},
	[BREAKER_OPEN] = {LOG_WARN, "breaker.open",
			  "too many of its calls failed: it is left alone for a while"},
	[BREAKER_HALF_OPEN] = {LOG_INFO, "breaker.half_open",
			       "a few calls shall show whether it is well again"},
};

static void tell(const struct dispatch_call *call, enum breaker_state before)
{
	const struct target *target = call->target;
	int64_t now_ms = loop_now_ms(call->dispatch->loop);
	enum breaker_state state = target->breaker.state;

	if (state == before)
		return;
	log_event(call->dispatch->log, news[state].level, news[state].event, news[state].words,
		  LOG_STR("plugin", target->plugin->name), LOG_INT("code", ERR_BREAKER_OPEN),
		  LOG_STR("from", breaker_state_name(before)),
		  LOG_INT("left_ms", breaker_left_ms(&target->breaker, now_ms)));
}

bool gate_pass(struct dispatch_call *call)
{
	struct breaker *breaker = &call->target->breaker;
	enum breaker_state before = breaker->state;
	bool passes = breaker_enter(breaker, loop_now_ms(call->dispatch->loop), &call->ticket);

	tell(call, before);
	return passes;
}

void gate_report(struct dispatch_call *call, enum breaker_report report)
{
	struct breaker *breaker = &call->target->breaker;
	enum breaker_state before = breaker->state;

	breaker_leave(breaker, call->ticket, report, loop_now_ms(call->dispatch->loop));
	tell(call, before);
}

enum breaker_report gate_report_of(const struct dispatch_call *call, enum outcome outcome)
{
	if (outcome == OUTCOME_OK)
		return BREAKER_SUCCESS;
	if (!outcome_row(outcome)->counts_for_breaker ||
	    (outcome == OUTCOME_DEADLINE_EXCEEDED && call->is_impatient))
		return BREAKER_NEUTRAL;
	return BREAKER_FAILURE;
}

void gate_refuse(struct dispatch_call *call)
{
	int64_t now_ms = loop_now_ms(call->dispatch->loop);

	call_complete(call, &(struct dispatch_result){.outcome = OUTCOME_BREAKER_OPEN,
						      .retry_after_ms = (uint32_t)breaker_left_ms(
							      &call->target->breaker, now_ms)});
}
