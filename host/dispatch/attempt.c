/* One try of a call on one instance.
 *
 * Starts it, passes its news up, and decides with retry.c what follows when it fails: the next try,
 * at once or after a rest without the target's place, or the end. The instance that failed a call
 * gets it again only when no other is ready. */
#include <stdlib.h>

#include "dispatch/dispatch_internal.h"

/* How a try ended. */
struct attempt_end {
	struct dispatch_result result;
	bool is_delivered;
	bool is_not_processed;
	bool is_another; /* of those that one death broke: the first speaks for all */
};

static struct str str_of(struct wire_bytes bytes)
{
	return (struct str){(const char *)bytes.data, bytes.len};
}

/* A try has ended and says something of the plugin; during a canary both generations are
 * measured. */
static void note_canary(const struct dispatch_call *call, enum outcome outcome)
{
	struct canary *canary = call->target->canary;

	if (canary)
		canary_count(call->is_canary ? &canary->next : &canary->old, outcome,
			     loop_now_us(call->dispatch->loop) - call->stage_us);
}

/* ---- after a try that failed ---- */

/* For jitter: need not be hard to guess (xorshift; Marsaglia, 2003). */
static uint32_t next_random(struct dispatch *dispatch)
{
	dispatch->random ^= dispatch->random << 13;
	dispatch->random ^= dispatch->random >> 17;
	dispatch->random ^= dispatch->random << 5;
	return dispatch->random;
}

static struct retry_verdict judge(const struct dispatch_call *call, const struct attempt_end *end)
{
	struct retry_case failed = {
		.outcome = end->result.outcome,
		.attempt = call->attempts,
		.resends = call->resends,
		.is_delivered = end->is_delivered,
		.is_not_processed = end->is_not_processed,
		.is_idempotent = call->is_idempotent,
		.is_begun = call->is_begun,
		.is_repeatable = call->request && call->request->end,
		.retry_after_ms = end->result.retry_after_ms,
		.now_ms = loop_now_ms(call->dispatch->loop),
		.deadline_ms = call->deadline_ms,
		.random = next_random(call->dispatch),
	};

	return retry_decide(&failed, &call->target->budget);
}

static void tell(const struct dispatch_call *call, const struct attempt_end *end,
		 const struct retry_verdict *verdict)
{
	if (verdict->answer == RETRY_NO_HOPE)
		return;
	log_event(call->dispatch->log, LOG_DEBUG, "call.failed", retry_answer_name(verdict->answer),
		  LOG_STR("plugin", call->target->plugin->name),
		  LOG_STR("instance", instance_id(call->instance)),
		  LOG_STR("outcome", outcome_row(end->result.outcome)->name),
		  LOG_INT("attempt", call->attempts), LOG_INT("resends", call->resends),
		  LOG_BOOL("again", verdict->answer <= RETRY_LATER));
}

/* Without a place: others go on meanwhile. */
static void rest(struct dispatch_call *call, int64_t until_ms)
{
	call_leave_place(call);
	call_move(call, STAGE_RESTS);
	call->target->retries++;
	due_set(call, until_ms);
}

static void resend(struct dispatch_call *call)
{
	call->attempts--;
	call->resends++;
	call->target->resends++;
	attempt_begin(call);
}

static void fail(struct dispatch_call *call, const struct attempt_end *end)
{
	struct retry_verdict verdict = judge(call, end);

	call->may_have_acted |= end->is_delivered && !end->is_not_processed;
	note_canary(call, end->result.outcome);
	gate_report(call,
		    end->is_another ? BREAKER_NEUTRAL : gate_report_of(call, end->result.outcome));
	tell(call, end, &verdict);
	if (verdict.answer > RETRY_LATER) {
		call_complete(call, &end->result);
		return;
	}
	call->call = NULL;
	call->avoid = instance_number(call->instance);
	call->instance = NULL;
	call->writable = false;
	if (verdict.answer == RETRY_AT_ONCE) {
		resend(call);
		return;
	}
	call->failure = end->result.outcome;
	rest(call, verdict.at_ms);
}

/* ---- after one that took its time ---- */

static void learn(const struct dispatch_call *call)
{
	struct target *target = call->target;
	const struct loop *loop = call->dispatch->loop;

	if (target->plugin->adaptive_concurrency)
		target->limit.max_running = adaptive_learn(
			&target->adaptive, target->plugin->concurrency, target->limit.running,
			loop_now_us(loop) - call->stage_us, loop_now_ms(loop));
}

static void succeed(struct dispatch_call *call, const struct dispatch_result *result)
{
	note_canary(call, OUTCOME_OK);
	gate_report(call, BREAKER_SUCCESS);
	learn(call);
	call_complete(call, result);
}

/* The plugin has said all, and the caller has looked at it. */
static void end(struct dispatch_call *call, const struct dispatch_result *result)
{
	if (!call->is_refused) {
		succeed(call, result);
		return;
	}
	fail(call, &(struct attempt_end){
			   .result = {.outcome = OUTCOME_BAD_ANSWER, .message = call->refusal},
			   .is_delivered = true,
		   });
}

/* ---- news from the instance ---- */

static void on_error(struct dispatch_call *call, const struct wire_response *response)
{
	fail(call, &(struct attempt_end){
			   .result = {.outcome = outcome_from_code(response->code),
				      .message = str_of(response->message),
				      .retry_after_ms = response->retry_after_ms},
			   .is_delivered = true,
			   .is_not_processed = response->not_processed,
		   });
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct dispatch_call *call = user;
	bool consumed;

	if (response->end) {
		call->call = NULL;
		quarantine_survived(call);
	}
	if (response->code != 0) {
		on_error(call, response);
		return true;
	}
	call->is_begun = true;
	consumed = call->ops->on_response(call->user, response);
	if (!response->end)
		return consumed;
	end(call, &(struct dispatch_result){.message = str_of(response->message),
					    .retry_after_ms = response->retry_after_ms});
	return consumed;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct dispatch_call *call = user;
	bool consumed;

	if (data->end) {
		call->call = NULL;
		quarantine_survived(call);
	}
	consumed = call->ops->on_data(call->user, data);
	if (!data->end)
		return consumed;
	end(call, &(struct dispatch_result){.outcome = OUTCOME_OK});
	return consumed;
}

static void on_writable(void *user)
{
	struct dispatch_call *call = user;

	call->writable = true;
	call->ops->on_writable(call->user);
}

static void on_broken(void *user, const struct call_break *why)
{
	struct dispatch_call *call = user;

	call->call = NULL;
	if (why->kind == CALL_GONE && why->delivered)
		quarantine_suspect(call);
	fail(call,
	     &(struct attempt_end){
		     .result = {.outcome = why->kind == CALL_GONE ? OUTCOME_PLUGIN_GONE
								  : outcome_from_code(why->code),
				.message = why->reason},
		     .is_delivered = why->delivered,
		     .is_another = why->kind == CALL_GONE && !why->first,
	     });
}

static const struct call_ops attempt_ops = {on_response, on_data, on_writable, on_broken};

/* ---- begin and cancel ---- */

/* What the caller doesn't keep was lent for this one try. */
static void forget_request(struct dispatch_call *call)
{
	if (call->request_stays)
		return;
	free(call->kept);
	call->kept = NULL;
	call->request = NULL;
}

/* The number that the method has in the generation that is asked. False: it has no such method. */
static bool take_number(const struct dispatch_call *call, const struct pool *pool, uint32_t *number)
{
	const struct manifest *asked = pool_manifest(pool);

	return !call->manifest || asked == call->manifest ||
	       manifest_translate(call->manifest, asked, number);
}

/* Sends it. False: the instance can't take it, for the reason in *why_out. */
static bool send(struct dispatch_call *call, const struct target_choice *choice,
		 enum outcome *why_out)
{
	struct wire_request sent = *call->request;

	*why_out = OUTCOME_UNIMPLEMENTED;
	if (!take_number(call, choice->pool, &sent.method))
		return false;
	*why_out = OUTCOME_PLUGIN_OVERLOADED;
	sent.timeout_ms = deadline_left_ms(call->deadline_ms, loop_now_ms(call->dispatch->loop));
	sent.attempt = call->attempts++;
	call->instance = choice->instance;
	call->is_canary = choice->is_canary;
	call->call = instance_call(choice->instance, &sent, &attempt_ops, call);
	return call->call != NULL;
}

bool attempt_begin(struct dispatch_call *call)
{
	struct target_wish wish = {call->avoid, call->attempts == 0, call->key};
	struct target_choice choice = target_pick(call->target, &wish);
	enum outcome why;

	if (!choice.instance)
		return wait_for_instance(call);
	call_move(call, STAGE_RUNS);
	if (!gate_pass(call)) {
		gate_refuse(call);
		return false;
	}
	if (!send(call, &choice, &why)) {
		gate_report(call, BREAKER_NEUTRAL);
		call_complete_with(call, why, (struct str){NULL, 0});
		return false;
	}
	forget_request(call);
	call->writable = !call_is_waiting(call->call);
	due_set(call, call->deadline_ms);
	return true;
}

void attempt_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason)
{
	enum breaker_report report = gate_report_of(call, outcome);

	instance_call_cancel(call->instance, call->call, outcome_row(outcome)->code, reason);
	if (report == BREAKER_FAILURE)
		note_canary(call, outcome);
	gate_report(call, report);
	if (outcome == OUTCOME_DEADLINE_EXCEEDED && !call->is_impatient)
		learn(call);
}
