/* The author's part of a call: its handler, then, for a stream, one event after the other. What is
 * due is noted under plug->lock by whoever learns it; call_run() picks and calls, without the lock,
 * in the home thread or in a worker. A call is in the run queue at most once and never while it
 * runs, which is what keeps its events apart. */
#include "sdk/events.h"

#include <stdlib.h>
#include <string.h>

#include "sdk/runtime.h"
#include "sdk/typed.h"

enum event_kind {
	EVENT_NONE,
	EVENT_MESSAGE,
	EVENT_END,
	EVENT_ROOM,
	EVENT_CANCEL,
	EVENT_CLOSE,
	EVENT_RETURN,
};

struct event {
	enum event_kind kind;
	struct incoming *message; /* owned */
	enum plug_code code;
};

static struct incoming *events_pop(struct call_events *events)
{
	struct incoming *message = events->first;

	events->first = message->next;
	if (events->first == NULL)
		events->last = NULL;
	return message;
}

static void events_push(struct call_events *events, struct incoming *message)
{
	message->next = NULL;
	if (events->last != NULL)
		*events->last = message;
	else
		events->first = message;
	events->last = &message->next;
}

/* Picks what is due first; with the lock. */
static struct event events_pick(struct call_events *events)
{
	struct event event = {.kind = EVENT_NONE};

	if (events->closed) {
		event.kind = EVENT_RETURN;
	} else if (events->over) {
		events->closed = true;
		event.kind = EVENT_CLOSE;
	} else if (events->cancel != 0) {
		event = (struct event){.kind = EVENT_CANCEL,
				       .code = (enum plug_code)events->cancel};
		events->cancel = 0;
	} else if (events->first != NULL && !events->paused) {
		event = (struct event){.kind = EVENT_MESSAGE, .message = events_pop(events)};
	} else if (events->input_ended && !events->end_told && !events->paused) {
		events->end_told = true;
		event.kind = EVENT_END;
	} else if (events->room) {
		events->room = false;
		event.kind = EVENT_ROOM;
	}
	return event;
}

static struct event events_next(struct plug_call *call)
{
	struct plug *plug = call->plug;
	struct event event;

	pthread_mutex_lock(&plug->lock);
	event = events_pick(&call->events);
	if (event.kind == EVENT_NONE)
		call->events.running = false;
	pthread_mutex_unlock(&plug->lock);
	return event;
}

/* Credit for a message that was dealt with, and for the pieces behind it when nothing waits any
 * more. */
static void events_spend(struct plug_call *call, uint32_t debt)
{
	pthread_mutex_lock(&call->plug->lock);
	if (call->events.first == NULL) {
		debt += call->events.partial_debt;
		call->events.partial_debt = 0;
	}
	pthread_mutex_unlock(&call->plug->lock);
	if (debt > 0)
		call_spend(call, debt);
}

static void tell_message(struct plug_call *call, const void *data, size_t len)
{
	const struct call_events *events = &call->events;

	if (events->ops->on_message != NULL)
		events->ops->on_message(call, events->state, data != NULL ? data : "", len);
}

static void events_tell(struct plug_call *call, const struct event *event)
{
	const struct plug_stream_ops *ops = call->events.ops;
	void *state = call->events.state;

	switch (event->kind) {
	case EVENT_MESSAGE:
		tell_message(call, event->message->data, event->message->len);
		events_spend(call, event->message->debt);
		free(event->message);
		break;
	case EVENT_END:
		if (ops->on_end != NULL)
			ops->on_end(call, state);
		break;
	case EVENT_ROOM:
		if (ops->on_writable != NULL)
			ops->on_writable(call, state);
		break;
	case EVENT_CANCEL:
		if (ops->on_cancel != NULL)
			ops->on_cancel(call, state, event->code);
		if (!atomic_exchange(&call->answered, true))
			call_abort(call, event->code);
		events_over(call);
		break;
	case EVENT_CLOSE:
		if (ops->on_close != NULL)
			ops->on_close(call, state);
		break;
	case EVENT_NONE:
	case EVENT_RETURN:
		break;
	}
}

/* A queued call that nobody waits for any more costs no work. */
static bool call_is_stale(const struct plug_call *call)
{
	return call->plug->workers != NULL && plug_is_cancelled(call);
}

static void call_handle(struct plug_call *call)
{
	struct plug_answer answer;

	if (call_is_stale(call)) {
		struct plug_failure stale = {
			.code = atomic_load(&call->cancelled) != 0
					? (enum plug_code)atomic_load(&call->cancelled)
					: PLUG_DEADLINE_EXCEEDED,
			.message = "the handler was not called in time",
			.not_processed = true,
		};

		plug_fail_with(call, &stale);
		return;
	}
	if (!typed_decode_request(call))
		return;
	answer = call->entry->kind == METHOD_HTTP ? call->http.route->handler(call)
						  : call->entry->method->handler(call);
	if (answer.call_ == call &&
	    (call->later || call->events.ops != NULL || atomic_load(&call->answered)))
		return;
	plug_call_log(call, PLUG_ERROR, "the handler of call %u returned no answer", call->lane.id);
	plug_fail(call, PLUG_INTERNAL, "the handler returned no answer");
}

static void call_return(struct plug_call *call);

static void call_return_arrive(struct plug *plug, struct post *post)
{
	struct plug_call *call =
		(struct plug_call *)((char *)post - offsetof(struct plug_call, returned_post));

	(void)plug;
	atomic_fetch_sub(&call->posts, 1);
	call_return(call);
}

/* The author is through with the call, which may be gone after it. From any thread. */
static void call_return(struct plug_call *call)
{
	if (!plug_is_home(call->plug)) {
		atomic_fetch_add(&call->posts, 1);
		call->returned_post.run = call_return_arrive;
		inbox_post(&call->plug->inbox, &call->returned_post);
		return;
	}
	call->returned = true;
	call_settle(call);
}

void call_run(struct plug_call *call)
{
	struct event event;

	if (!call->events.handled) {
		call->events.handled = true;
		call_handle(call);
		if (call->events.ops == NULL) {
			call_return(call);
			return;
		}
	}
	for (event = events_next(call); event.kind != EVENT_NONE; event = events_next(call)) {
		if (event.kind == EVENT_RETURN) {
			call_return(call);
			return;
		}
		events_tell(call, &event);
	}
}

/* Queues call_run() if there is anything to run. From any thread. */
static void call_schedule(struct plug_call *call)
{
	struct plug *plug = call->plug;
	struct call_events *events = &call->events;
	bool wake = false;

	pthread_mutex_lock(&plug->lock);
	if (!events->queued && !events->running) {
		events->queued = true;
		TAILQ_INSERT_TAIL(&plug->run_queue, call, events.link);
		if (plug->workers != NULL)
			workers_wake(plug->workers);
		else
			wake = !atomic_exchange(&plug->runnable, true) && !plug_is_home(plug);
	}
	pthread_mutex_unlock(&plug->lock);
	if (wake)
		inbox_wake(&plug->inbox);
}

void call_start(struct plug_call *call)
{
	call->started = true;
	if (call->plug->workers != NULL) {
		call_keep_request(call, true);
		call_schedule(call);
		return;
	}
	if (call->entry->kind == METHOD_STREAM ||
	    (call->entry->kind == METHOD_UNARY && *call->keeps))
		call_keep_request(call, true);
	call->events.running = true;
	call_run(call);
}

void events_run_queue(struct plug *plug)
{
	struct call_queue queue = TAILQ_HEAD_INITIALIZER(queue);

	if (!atomic_load(&plug->runnable))
		return;
	pthread_mutex_lock(&plug->lock);
	atomic_store(&plug->runnable, false);
	TAILQ_CONCAT(&queue, &plug->run_queue, events.link);
	while (!TAILQ_EMPTY(&queue)) {
		struct plug_call *call = TAILQ_FIRST(&queue);

		TAILQ_REMOVE(&queue, call, events.link);
		call->events.queued = false;
		call->events.running = true;
		pthread_mutex_unlock(&plug->lock);
		call_run(call);
		pthread_mutex_lock(&plug->lock);
	}
	pthread_mutex_unlock(&plug->lock);
}

/* Whether an event can be told right now, without being noted first. */
static bool events_may_tell(const struct plug_call *call)
{
	const struct call_events *events = &call->events;

	return call->plug->workers == NULL && events->ops != NULL && !events->running &&
	       !events->queued && !events->paused && !events->over && events->cancel == 0 &&
	       events->first == NULL;
}

/* In place: no copy, no queue. Then whatever became due by it. */
static void events_tell_message(struct plug_call *call, struct wire_bytes message, uint32_t debt)
{
	tell_message(call, message.data, message.len);
	events_spend(call, debt);
	call_run(call);
}

bool events_take(struct plug_call *call, struct wire_bytes message, uint32_t debt)
{
	struct incoming *incoming;
	bool gone;
	bool now;

	pthread_mutex_lock(&call->plug->lock);
	now = events_may_tell(call);
	call->events.running |= now;
	gone = call->events.over || call->returned;
	pthread_mutex_unlock(&call->plug->lock);
	if (now) {
		events_tell_message(call, message, debt);
		return true;
	}
	if (gone) {
		call_spend(call, debt);
		return true;
	}
	incoming = malloc(sizeof(*incoming) + message.len);
	if (incoming == NULL)
		return false;
	incoming->len = message.len;
	incoming->debt = debt;
	if (message.len > 0)
		memcpy(incoming->data, message.data, message.len);
	pthread_mutex_lock(&call->plug->lock);
	events_push(&call->events, incoming);
	pthread_mutex_unlock(&call->plug->lock);
	if (call->started)
		call_schedule(call);
	return true;
}

void events_owe(struct plug_call *call, uint32_t bytes)
{
	bool now;

	pthread_mutex_lock(&call->plug->lock);
	now = call->events.first == NULL;
	if (!now)
		call->events.partial_debt += bytes;
	pthread_mutex_unlock(&call->plug->lock);
	if (now)
		call_spend(call, bytes);
}

void call_drop_input(struct plug_call *call)
{
	struct call_events *events = &call->events;
	uint32_t debt = events->partial_debt;

	while (events->first != NULL) {
		struct incoming *message = events_pop(events);

		debt += message->debt;
		free(message);
	}
	events->partial_debt = 0;
	if (debt > 0)
		call_spend(call, debt);
}

void events_begin(struct plug_call *call, const struct plug_stream_ops *ops, void *state)
{
	pthread_mutex_lock(&call->plug->lock);
	__atomic_store_n(&call->events.ops, ops, __ATOMIC_SEQ_CST);
	call->events.state = state;
	call->events.room = true;
	/* Whoever answered or cancelled before did not see a stream. */
	call->events.cancel = atomic_load(&call->cancelled);
	if (atomic_load(&call->answered))
		call->events.over = true;
	pthread_mutex_unlock(&call->plug->lock);
}

void events_end(struct plug_call *call)
{
	pthread_mutex_lock(&call->plug->lock);
	call->events.input_ended = true;
	pthread_mutex_unlock(&call->plug->lock);
	call_schedule(call);
}

void events_room(struct plug_call *call)
{
	pthread_mutex_lock(&call->plug->lock);
	call->events.room = true;
	pthread_mutex_unlock(&call->plug->lock);
	call_schedule(call);
}

void events_cancel(struct plug_call *call, uint32_t code)
{
	pthread_mutex_lock(&call->plug->lock);
	call->events.cancel = code;
	pthread_mutex_unlock(&call->plug->lock);
	call_schedule(call);
}

void events_over(struct plug_call *call)
{
	pthread_mutex_lock(&call->plug->lock);
	call->events.over = true;
	pthread_mutex_unlock(&call->plug->lock);
	call_schedule(call);
}

void events_pause(struct plug_call *call, bool paused)
{
	pthread_mutex_lock(&call->plug->lock);
	call->events.paused = paused;
	pthread_mutex_unlock(&call->plug->lock);
	if (!paused)
		call_schedule(call);
}
