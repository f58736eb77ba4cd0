/* One call, carried well.
 *
 * Owns the open calls and the turn of those who wait. Edge, admin and the plugins' own calls come
 * in here; below is the pool. The limit and the deadline decide; this file obeys: it starts the
 * attempt, passes its news up, and completes the call exactly once.
 *
 * Every open call has one time at which something must happen: the end of its wait, or its
 * deadline. They stand in one list, the earliest first, with one timer for the first of them that
 * is left alone when that call ends in time. Calls mostly have the same timeout, so a new one goes
 * to the end at once: a deadline costs a call nothing that can be measured. */
#include "dispatch/dispatch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dispatch/deadline.h"
#include "plugin/instance.h"

struct dispatch_call {
	struct dispatch *dispatch;
	struct target *target;
	const struct dispatch_ops *ops;
	void *user;
	int64_t deadline_ms;
	int64_t started_us;
	int64_t running_us; /* when it left the queue; 0: it waits */
	int64_t due_ms;	    /* DEADLINE_NEVER: not in the list */
	TAILQ_ENTRY(dispatch_call) due_link;
	struct instance *instance; /* NULL: it waits */
	struct call *call;
	bool writable;
	struct wire_request *kept; /* what it asks, while it waits; owned, one block */
	TAILQ_ENTRY(dispatch_call) wait_link;
	struct dispatch_call *next_free;
};

struct dispatch {
	struct loop *loop;
	struct dispatch_queue due;	 /* by due_ms */
	struct loop_timer timer;	 /* not later than the first of `due` */
	int64_t timer_ms;		 /* when it fires; DEADLINE_NEVER: it doesn't run */
	struct dispatch_call *free_list; /* a call costs no malloc */
	unsigned open;
};

/* ---- times ---- */

static void start_timer(struct dispatch *dispatch, int64_t due_ms)
{
	dispatch->timer_ms = due_ms;
	loop_timer_start(&dispatch->timer, due_ms - loop_now_ms(dispatch->loop));
}

static void set_due(struct dispatch_call *call, int64_t due_ms)
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

/* ---- the end of a call ---- */

/* After this the call is nobody's. Who waits for its place starts at the end of the turn, not here:
 * no caller is called from the middle of another's end. */
static void release(struct dispatch_call *call, enum outcome outcome)
{
	struct dispatch *dispatch = call->dispatch;
	struct target *target = call->target;

	set_due(call, DEADLINE_NEVER);
	free(call->kept);
	call->kept = NULL;
	call->next_free = dispatch->free_list;
	dispatch->free_list = call;
	dispatch->open--;
	target->outcomes[outcome]++;
	if (!call->running_us)
		return;
	limit_leave(&target->limit);
	if (target->limit.waiting > 0)
		loop_flush_queue(dispatch->loop, &target->turn);
}

static void complete(struct dispatch_call *call, const struct dispatch_result *what)
{
	struct dispatch_result result = *what;
	const struct dispatch_ops *ops = call->ops;
	void *user = call->user;
	int64_t now_us = loop_now_us(call->dispatch->loop);

	if (call->running_us) {
		result.queue_us = call->running_us - call->started_us;
		result.plugin_us = now_us - call->running_us;
	} else {
		result.queue_us = now_us - call->started_us;
	}
	result.instance = call->instance ? instance_id(call->instance) : NULL;
	release(call, result.outcome);
	ops->on_done(user, &result);
}

static void complete_with(struct dispatch_call *call, enum outcome outcome, struct str message)
{
	complete(call, &(struct dispatch_result){.outcome = outcome, .message = message});
}

/* ---- news from the attempt ---- */

static struct str str_of(struct wire_bytes bytes)
{
	return (struct str){(const char *)bytes.data, bytes.len};
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct dispatch_call *call = user;
	bool consumed = true;

	if (response->end)
		call->call = NULL;
	if (response->code == 0)
		consumed = call->ops->on_response(call->user, response);
	if (response->end)
		complete(call,
			 &(struct dispatch_result){.outcome = outcome_from_code(response->code),
						   .message = str_of(response->message),
						   .retry_after_ms = response->retry_after_ms});
	return consumed;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct dispatch_call *call = user;
	bool consumed;

	if (data->end)
		call->call = NULL;
	consumed = call->ops->on_data(call->user, data);
	if (data->end)
		complete_with(call, OUTCOME_OK, (struct str){NULL, 0});
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

	complete_with(call,
		      why->kind == CALL_GONE ? OUTCOME_PLUGIN_GONE : outcome_from_code(why->code),
		      why->reason);
}

static const struct call_ops attempt_ops = {on_response, on_data, on_writable, on_broken};

/* ---- the attempt ---- */

/* Puts it on an instance. False: it is completed. */
static bool run(struct dispatch_call *call, const struct wire_request *request)
{
	int64_t now_ms = loop_now_ms(call->dispatch->loop);
	struct wire_request sent = *request;
	enum outcome why;
	struct instance *instance = target_pick(call->target, &why);

	call->running_us = loop_now_us(call->dispatch->loop);
	if (!instance) {
		complete_with(call, why, (struct str){NULL, 0});
		return false;
	}
	sent.timeout_ms = deadline_left_ms(call->deadline_ms, now_ms);
	call->instance = instance;
	call->call = instance_call(instance, &sent, &attempt_ops, call);
	if (!call->call) {
		complete_with(call, OUTCOME_PLUGIN_OVERLOADED, (struct str){NULL, 0});
		return false;
	}
	call->writable = !call_is_waiting(call->call);
	set_due(call, call->deadline_ms);
	return true;
}

/* Those who waited have their turn. */
static void on_turn(void *user)
{
	struct target *target = user;

	while (limit_next(&target->limit)) {
		struct dispatch_call *call = TAILQ_FIRST(&target->waiting);
		struct wire_request *kept = call->kept;

		TAILQ_REMOVE(&target->waiting, call, wait_link);
		set_due(call, DEADLINE_NEVER);
		call->kept = NULL;
		if (run(call, kept) && call->writable)
			call->ops->on_writable(call->user);
		free(kept);
	}
}

static size_t keep_bytes(uint8_t **at, struct wire_bytes *bytes)
{
	if (*at && bytes->len > 0) {
		memcpy(*at, bytes->data, bytes->len);
		bytes->data = *at;
		*at += bytes->len;
	}
	return bytes->len;
}

/* A copy in one block: the struct, then all it points to. */
static struct wire_request *keep_request(const struct wire_request *request)
{
	struct wire_request *kept;
	struct wire_request copy = *request;
	struct wire_bytes *parts[] = {&copy.idempotency_key, &copy.trace_parent, &copy.trace_state,
				      &copy.tenant,	     &copy.principal,	 &copy.metadata,
				      &copy.payload};
	size_t total = 0;
	uint8_t *at = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		total += keep_bytes(&at, parts[i]);
	kept = mem_alloc(sizeof(*kept) + total);
	at = (uint8_t *)(kept + 1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		keep_bytes(&at, parts[i]);
	*kept = copy;
	return kept;
}

static void wait_turn(struct dispatch_call *call, const struct wire_request *request)
{
	int64_t now_ms = loop_now_ms(call->dispatch->loop);
	int64_t until_ms = deadline_in(now_ms, target_patience_ms(call->target));

	call->kept = keep_request(request);
	TAILQ_INSERT_TAIL(&call->target->waiting, call, wait_link);
	set_due(call, deadline_earlier(until_ms, call->deadline_ms));
}

static void leave_queue(struct dispatch_call *call)
{
	TAILQ_REMOVE(&call->target->waiting, call, wait_link);
	limit_abandon(&call->target->limit);
}

static void on_due(struct dispatch_call *call, int64_t now_ms)
{
	if (!call->running_us) {
		leave_queue(call);
		complete_with(call,
			      now_ms >= call->deadline_ms ? OUTCOME_DEADLINE_EXCEEDED
							  : OUTCOME_PLUGIN_OVERLOADED,
			      STR_LITERAL("waited too long for its turn"));
		return;
	}
	instance_call_cancel(call->instance, call->call,
			     outcome_row(OUTCOME_DEADLINE_EXCEEDED)->code,
			     STR_LITERAL("the deadline has passed"));
	complete_with(call, OUTCOME_DEADLINE_EXCEEDED, (struct str){NULL, 0});
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

/* ---- for callers ---- */

struct dispatch *dispatch_new(struct loop *loop)
{
	struct dispatch *dispatch = mem_new(struct dispatch);

	dispatch->loop = loop;
	dispatch->timer_ms = DEADLINE_NEVER;
	TAILQ_INIT(&dispatch->due);
	loop_timer_init(&dispatch->timer, loop, on_timer, dispatch);
	return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
	struct dispatch_call *call;

	if (!dispatch)
		return;
	assert(dispatch->open == 0);
	loop_timer_stop(&dispatch->timer);
	while ((call = dispatch->free_list)) {
		dispatch->free_list = call->next_free;
		free(call);
	}
	free(dispatch);
}

void dispatch_init_target(struct target *target, const struct plugin_opts *plugin)
{
	target_init(target, plugin);
	loop_flush_init(&target->turn, on_turn, target);
}

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
	call->instance = NULL;
	call->call = NULL;
	call->writable = false;
	call->running_us = 0;
	call->started_us = loop_now_us(dispatch->loop);
	call->deadline_ms = deadline_in(loop_now_ms(dispatch->loop), opts->timeout_ms);
	switch (limit_enter(&opts->target->limit)) {
	case LIMIT_RUN:
		return run(call, opts->request) ? call : NULL;
	case LIMIT_WAIT:
		wait_turn(call, opts->request);
		return call;
	case LIMIT_REFUSE:
		break;
	}
	complete_with(call, OUTCOME_PLUGIN_OVERLOADED, STR_LITERAL("its queue is full"));
	return NULL;
}

bool dispatch_is_writable(const struct dispatch_call *call)
{
	return call->writable;
}

bool dispatch_is_running(const struct dispatch_call *call)
{
	return call->running_us != 0;
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
	assert(call->call || !call->running_us);
	if (call->running_us)
		instance_call_cancel(call->instance, call->call, outcome_row(outcome)->code,
				     reason);
	else
		leave_queue(call);
	release(call, outcome);
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
