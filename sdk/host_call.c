/* Calls that this plugin makes to the host. A call is posted home by plug_host_call(), gets an even
 * id and its lane there, collects its answer, and is told once: by `done`. One that timed out is
 * told at once and stays known until the host has ended it. Owns the calls and copies of what was
 * asked. */
#include "sdk/host_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/runtime.h"

struct host_call {
	struct post post; /* on its way home */
	struct host_call *chain;
	struct plug *plug;
	struct lane lane;
	struct wire_request head;
	struct outgoing *message; /* until it is on the lane */
	int64_t deadline_ms;	  /* monotonic; 0: none */
	struct credit credit;
	struct grow answer;
	bool told;
	bool host_ended;
	void (*done)(void *user, const struct plug_result *result);
	void *user;
	uint8_t strings[]; /* what the head points to */
};

static struct host_call **bucket_of(struct plug *plug, uint32_t id)
{
	return &plug->host_calls.buckets[(id >> 1) % HOST_CALL_BUCKETS];
}

static struct host_call *host_call_find(struct plug *plug, uint32_t id)
{
	struct host_call *call = *bucket_of(plug, id);

	while (call != NULL && call->lane.id != id)
		call = call->chain;
	return call;
}

/* When both sides have ended. */
static void host_call_settle(struct host_call *call)
{
	struct host_call **at;

	if (!call->host_ended || !call->lane.ended)
		return;
	for (at = bucket_of(call->plug, call->lane.id); *at != call; at = &(*at)->chain)
		continue;
	*at = call->chain;
	call->plug->host_calls.live--;
	lane_deinit(&call->plug->lanes, &call->lane);
	grow_deinit(&call->answer);
	free(call);
}

static struct host_call *call_of_lane(struct lane *lane)
{
	return (struct host_call *)((char *)lane - offsetof(struct host_call, lane));
}

static void host_call_on_room(struct lane *lane)
{
	(void)lane; /* one message was queued, and no more will be */
}

static void host_call_on_ended(struct lane *lane)
{
	struct host_call *call = call_of_lane(lane);

	if (!lane->opened)
		call->host_ended = true; /* it has never heard of it */
	host_call_settle(call);
}

static const struct lane_ops host_lane_ops = {
	.on_room = host_call_on_room,
	.on_ended = host_call_on_ended,
};

static void host_call_tell(struct host_call *call, const struct plug_result *result)
{
	if (call->told)
		return;
	call->told = true;
	call->done(call->user, result);
}

static void host_call_fail(struct host_call *call, enum plug_code code, const char *message,
			   bool not_processed)
{
	struct plug_result result = {
		.code = code,
		.message = message,
		.not_processed = not_processed,
	};

	host_call_tell(call, &result);
}

/* The author was told; the host still has to hear that nobody waits. */
static void host_call_abandon(struct host_call *call, enum plug_code code)
{
	struct wire_cancel cancel = {.id = call->lane.id, .code = code};
	uint8_t *out;

	grow_deinit(&call->answer);
	if (!call->lane.ended) {
		lane_abort(&call->plug->lanes, &call->lane, code);
		return;
	}
	out = output_reserve(&call->plug->output, WIRE_CANCEL_BOUND);
	if (out != NULL)
		output_commit(&call->plug->output, wire_put_cancel(out, &cancel));
}

static uint32_t host_call_next_id(struct plug *plug)
{
	do {
		plug->host_calls.last_id += 2;
	} while (plug->host_calls.last_id == 0 ||
		 host_call_find(plug, plug->host_calls.last_id) != NULL);
	return plug->host_calls.last_id;
}

static void host_call_drop(struct host_call *call)
{
	outgoing_unref(call->message);
	free(call);
}

/* At home: the call begins. */
static void host_call_arrive(struct plug *plug, struct post *post)
{
	struct host_call *call = (struct host_call *)post;
	struct host_calls *calls = &plug->host_calls;

	if (plug->state == STATE_GREETING || plug->state == STATE_ENDED) {
		host_call_fail(call, PLUG_CANCELLED, "the plugin is ending", true);
		host_call_drop(call);
		return;
	}
	if (calls->live >= calls->max_live) {
		host_call_fail(call, PLUG_RESOURCE_EXHAUSTED, "the host takes no more calls", true);
		host_call_drop(call);
		return;
	}
	calls->live++;
	lane_init(&call->lane, &plug->lanes, host_call_next_id(plug), &host_lane_ops);
	call->head.id = call->lane.id;
	call->lane.ask = &call->head;
	call->credit.window = plug->limits.call_window_bytes;
	call->chain = *bucket_of(plug, call->lane.id);
	*bucket_of(plug, call->lane.id) = call;
	if (call->deadline_ms > 0 &&
	    (calls->next_timeout == 0 || call->deadline_ms < calls->next_timeout))
		calls->next_timeout = call->deadline_ms;
	lane_charge(&call->lane, call->message->say.data.len);
	lane_push(&plug->lanes, &call->lane, call->message);
	call->message = NULL;
}

static struct wire_bytes put_string(uint8_t **at, struct wire_bytes text)
{
	struct wire_bytes copy = {*at, text.len};

	if (text.len > 0)
		memcpy(*at, text.data, text.len);
	*at += text.len;
	return copy;
}

/* The deadline of the call, and of the one that it serves. */
static int64_t request_deadline(const struct plug_host_request *request)
{
	int64_t own = request->timeout_ms > 0 ? plug_now_ms() + request->timeout_ms : 0;
	int64_t parent = request->parent != NULL ? request->parent->deadline_ms : 0;

	if (own == 0 || parent == 0)
		return own + parent;
	return own < parent ? own : parent;
}

static struct host_call *host_call_new(struct plug *plug, const struct plug_host_request *request)
{
	static const struct wire_request nobody = {0};
	const struct wire_request *parent =
		request->parent != NULL ? &request->parent->head : &nobody;
	struct saying say = {.message = true, .last = true, .data = {request->data, request->len}};
	struct host_call *call =
		calloc(1, sizeof(*call) + parent->trace_parent.len + parent->trace_state.len +
				  parent->idempotency_key.len);
	uint8_t *at;

	if (call == NULL)
		return NULL;
	call->message = outgoing_new(&say);
	if (call->message == NULL) {
		free(call);
		return NULL;
	}
	at = call->strings;
	call->plug = plug;
	call->done = request->done;
	call->user = request->user;
	call->deadline_ms = request_deadline(request);
	call->head.method = request->need + 1;
	call->head.trace_parent = put_string(&at, parent->trace_parent);
	call->head.trace_state = put_string(&at, parent->trace_state);
	call->head.idempotency_key = put_string(&at, parent->idempotency_key);
	if (call->deadline_ms > 0) {
		int64_t left = call->deadline_ms - plug_now_ms();

		call->head.timeout_ms = left < 1	    ? 1
					: left > UINT32_MAX ? UINT32_MAX
							    : (uint32_t)left;
	}
	return call;
}

int plug_host_call(struct plug *plug, const struct plug_host_request *request)
{
	struct host_call *call;

	if (request->need >= plug->plugin->need_count || request->done == NULL)
		return -EINVAL;
	call = host_call_new(plug, request);
	if (call == NULL)
		return -ENOMEM;
	call->post.run = host_call_arrive;
	if (inbox_try_post(&plug->inbox, &call->post))
		return 0;
	host_call_drop(call);
	return -EPIPE;
}

/* Adds a piece of the answer. What nobody waits for is dropped, but its credit is given back. */
static bool host_call_take(struct host_call *call, struct wire_bytes piece)
{
	struct plug *plug = call->plug;
	uint32_t bytes = (uint32_t)piece.len;

	if (!credit_receive(plug, call->lane.id, &call->credit, bytes))
		return false;
	credit_spend(&call->credit, bytes);
	credit_say(plug, call->lane.id, &call->credit);
	if (call->told)
		return true;
	if (call->answer.len + piece.len > plug->limits.max_message_bytes ||
	    !grow_append(&call->answer, piece.data, piece.len)) {
		host_call_fail(call, PLUG_RESOURCE_EXHAUSTED, "the answer is too large", false);
		host_call_abandon(call, PLUG_CANCELLED);
	}
	return true;
}

/* The host has ended. */
static void host_call_finish(struct host_call *call, const struct plug_result *result)
{
	call->host_ended = true;
	host_call_tell(call, result);
	if (!call->lane.ended)
		lane_abort(&call->plug->lanes, &call->lane, PLUG_CANCELLED);
	else
		host_call_settle(call);
}

static const char *text_of(struct wire_bytes text, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size),
		 (const char *)text.data);
	return out;
}

void host_call_response(struct plug *plug, struct wire_bytes body)
{
	struct wire_response response;
	struct plug_result result = {0};
	struct host_call *call;
	char text[1024];
	const char *why;

	if (!wire_get_response(body, &response, &why)) {
		plug_break(plug, "RESPONSE: %s", why);
		return;
	}
	call = host_call_find(plug, response.id);
	if (call == NULL || call->host_ended) {
		plug_break(plug, "RESPONSE to call %u, which is none of ours", response.id);
		return;
	}
	if (!host_call_take(call, response.payload) || !response.end)
		return;
	result.code = (enum plug_code)response.code;
	result.message =
		response.message.len > 0 ? text_of(response.message, text, sizeof(text)) : "";
	result.data = response.code == 0 ? call->answer.data : response.details.data;
	result.len = response.code == 0 ? call->answer.len : response.details.len;
	result.retry_after_ms = response.retry_after_ms;
	result.not_processed = response.not_processed;
	host_call_finish(call, &result);
}

void host_call_data(struct plug *plug, const struct wire_data *data)
{
	struct host_call *call = host_call_find(plug, data->id);
	struct plug_result result = {.message = ""};

	if (call == NULL || call->host_ended) {
		plug_break(plug, "DATA for call %u, which is none of ours", data->id);
		return;
	}
	if (!host_call_take(call, data->payload) || !data->end)
		return;
	result.data = call->answer.data;
	result.len = call->answer.len;
	host_call_finish(call, &result);
}

void host_call_cancel(struct plug *plug, const struct wire_cancel *cancel)
{
	struct host_call *call = host_call_find(plug, cancel->id);
	struct plug_result result = {.code = (enum plug_code)cancel->code};
	char text[1024];

	if (call == NULL || call->host_ended) {
		plug_break(plug, "CANCEL of call %u, which is none of ours", cancel->id);
		return;
	}
	result.message = text_of(cancel->reason, text, sizeof(text));
	host_call_finish(call, &result);
}

bool host_call_credit(struct plug *plug, const struct wire_credit *credit)
{
	struct host_call *call = host_call_find(plug, credit->id);

	return call == NULL || call->lane.ended ||
	       lane_credit(&plug->lanes, &call->lane, credit->bytes);
}

void host_calls_say_credit(struct plug *plug)
{
	for (size_t i = 0; i < HOST_CALL_BUCKETS; i++) {
		struct host_call *call = plug->host_calls.buckets[i];

		for (; call != NULL; call = call->chain)
			credit_say(plug, call->lane.id, &call->credit);
	}
}

/* Only when one may be due, so a turn costs nothing for those that are not. */
void host_calls_expire(struct plug *plug, int64_t now_ms)
{
	struct host_calls *calls = &plug->host_calls;
	int64_t next = 0;

	if (calls->next_timeout == 0 || now_ms < calls->next_timeout)
		return;
	for (size_t i = 0; i < HOST_CALL_BUCKETS; i++) {
		struct host_call *call = calls->buckets[i];

		for (; call != NULL; call = call->chain) {
			if (call->told || call->deadline_ms == 0)
				continue;
			if (call->deadline_ms <= now_ms) {
				host_call_fail(call, PLUG_DEADLINE_EXCEEDED,
					       "the deadline has passed", false);
				host_call_abandon(call, PLUG_DEADLINE_EXCEEDED);
			} else if (next == 0 || call->deadline_ms < next) {
				next = call->deadline_ms;
			}
		}
	}
	calls->next_timeout = next;
}

void host_calls_end(struct plug *plug)
{
	for (size_t i = 0; i < HOST_CALL_BUCKETS; i++) {
		while (plug->host_calls.buckets[i] != NULL) {
			struct host_call *call = plug->host_calls.buckets[i];

			call->lane.ended = true;
			call->host_ended = true;
			host_call_fail(call, PLUG_CANCELLED, "the plugin is ending", false);
			host_call_settle(call);
		}
	}
}

/* plug_host_call_wait(): who waits. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool is_told;
	struct plug_result result;
	int error;
};

static int result_copy(struct plug_result *to, const struct plug_result *from)
{
	size_t message_len = strlen(from->message) + 1;
	char *memory = malloc(message_len + from->len);

	if (memory == NULL)
		return -ENOMEM;
	*to = *from;
	memcpy(memory, from->message, message_len);
	if (from->len > 0)
		memcpy(memory + message_len, from->data, from->len);
	to->message = memory;
	to->data = memory + message_len;
	return 0;
}

static void waiter_done(void *user, const struct plug_result *result)
{
	struct waiter *waiter = user;

	pthread_mutex_lock(&waiter->lock);
	waiter->error = result_copy(&waiter->result, result);
	waiter->is_told = true;
	pthread_cond_signal(&waiter->told);
	pthread_mutex_unlock(&waiter->lock);
}

int plug_host_call_wait(struct plug *plug, const struct plug_host_request *request,
			struct plug_result *result_out)
{
	struct waiter waiter = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.told = PTHREAD_COND_INITIALIZER,
	};
	struct plug_host_request asked = *request;
	int result;

	if (plug_is_home(plug))
		return -EDEADLK;
	asked.done = waiter_done;
	asked.user = &waiter;
	result = plug_host_call(plug, &asked);
	if (result < 0)
		return result;
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.is_told)
		pthread_cond_wait(&waiter.told, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	*result_out = waiter.result;
	return waiter.error;
}

void plug_result_free(struct plug_result *result)
{
	free((void *)(uintptr_t)result->message);
	*result = (struct plug_result){.message = ""};
}
