/* How a call is answered: the public functions that end it or send on its stream, in any thread. At
 * home an answer is staged in place when it fits; elsewhere it is copied and posted. Whoever comes
 * first has answered: `answered` is taken once. A call whose caller has cancelled ends with a short
 * frame instead of the answer. Without memory the call ends with RESOURCE_EXHAUSTED. */
#include "sdk/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/events.h"
#include "sdk/http.h"
#include "sdk/runtime.h"

#define FAIL_TEXT_BYTES 1024
/* Of metadata, and of details: with a chunk they fit into the smallest frame that a host may
 * set. */
#define METADATA_MAX_BYTES   (32u << 10)
#define OWN_MEMORY_MIN_BYTES 4096

static void saying_drop(const struct saying *say)
{
	if (say->release != NULL)
		say->release(say->arg);
}

static void release_block(void *arg)
{
	block_unref(arg);
}

static bool lies_in(const void *data, size_t len, const void *memory, size_t memory_len)
{
	return memory != NULL && (const uint8_t *)data >= (const uint8_t *)memory &&
	       (const uint8_t *)data + len <= (const uint8_t *)memory + memory_len;
}

/* An answer out of the request's own memory is not copied: the memory goes along. Only of a whole
 * request: what a stream still collects belongs to the home thread. */
static void saying_take_own(struct plug_call *call, struct saying *say)
{
	struct block *block;

	if (say->release != NULL || say->data.len < OWN_MEMORY_MIN_BYTES ||
	    !lies_in(say->data.data, say->data.len, call->request.data, call->request.len))
		return;
	if (lies_in(say->data.data, say->data.len, call->partial.data, call->partial.len)) {
		say->release = free;
		say->arg = call_steal(call, &call->partial);
	} else if (lies_in(say->data.data, say->data.len, call->http.body.data,
			   call->http.body.len)) {
		say->release = free;
		say->arg = call_steal(call, &call->http.body);
	} else if (plug_is_home(call->plug)) {
		block = call->block;
		if (block == NULL && call->busy && call->kept == NULL)
			block = call->plug->input.block;
		if (block == NULL ||
		    !lies_in(say->data.data, say->data.len, block->data, block->cap))
			return;
		say->release = release_block;
		say->arg = block_ref(block);
	}
}

static uint32_t call_cancel_code(const struct plug_call *call)
{
	return atomic_load(&call->cancelled);
}

/* At home. A call that is not a stream may be gone after it. */
static void say_at_home(struct plug_call *call, const struct saying *say)
{
	struct lanes *lanes = &call->plug->lanes;
	struct outgoing *outgoing;

	call->arrived = true;
	if (call_cancel_code(call) != 0) {
		saying_drop(say);
		lane_abort(lanes, &call->lane, call_cancel_code(call));
		return;
	}
	if (lane_say_now(lanes, &call->lane, say))
		return;
	outgoing = outgoing_new(say);
	if (outgoing == NULL) {
		saying_drop(say);
		lane_abort(lanes, &call->lane, PLUG_RESOURCE_EXHAUSTED);
		return;
	}
	lane_charge(&call->lane, say->prefix.len + say->data.len);
	lane_push(lanes, &call->lane, outgoing);
}

static void outgoing_arrive(struct plug *plug, struct post *post)
{
	struct outgoing *outgoing = (struct outgoing *)post;
	struct plug_call *call = outgoing->call;
	uint32_t code = call_cancel_code(call);

	call->arrived |= outgoing->say.last;
	if (outgoing->say.last && code != 0) {
		outgoing_unref(outgoing);
		lane_abort(&plug->lanes, &call->lane, code);
	} else {
		lane_push(&plug->lanes, &call->lane, outgoing);
	}
	atomic_fetch_sub(&call->posts, 1);
	call_settle(call);
}

static void outgoing_post(struct plug_call *call, struct outgoing *outgoing)
{
	outgoing->call = call;
	outgoing->post.run = outgoing_arrive;
	atomic_fetch_add(&call->posts, 1);
	inbox_post(&call->plug->inbox, &outgoing->post);
}

static void say_elsewhere(struct plug_call *call, const struct saying *say)
{
	struct outgoing *outgoing = outgoing_new(say);

	if (outgoing == NULL) {
		saying_drop(say);
		call_abort(call, PLUG_RESOURCE_EXHAUSTED);
		return;
	}
	lane_charge(&call->lane, say->prefix.len + say->data.len);
	outgoing_post(call, outgoing);
}

static void abort_arrive(struct plug *plug, struct post *post)
{
	struct plug_call *call =
		(struct plug_call *)((char *)post - offsetof(struct plug_call, abort_post));

	call->arrived = true;
	lane_abort(&plug->lanes, &call->lane, call->abort_code);
	atomic_fetch_sub(&call->posts, 1);
	call_settle(call);
}

void call_abort(struct plug_call *call, enum plug_code code)
{
	if (plug_is_home(call->plug)) {
		call->arrived = true;
		lane_abort(&call->plug->lanes, &call->lane, code);
		return;
	}
	call->abort_code = code;
	call->abort_post.run = abort_arrive;
	atomic_fetch_add(&call->posts, 1);
	inbox_post(&call->plug->inbox, &call->abort_post);
}

/* What went wrong while the answer was made counts more than the answer. */
static void saying_mend(const struct plug_call *call, struct saying *say)
{
	static const char no_memory[] = "no memory for the answer";
	static const char bad_header[] = "the plugin made a header that can't be sent";
	struct saying spoilt = {.last = true};

	if (say->code != 0 || (!call->out_of_memory && !call->http.bad_header))
		return;
	spoilt.code = call->out_of_memory ? PLUG_RESOURCE_EXHAUSTED : PLUG_INTERNAL;
	spoilt.text.data = (const uint8_t *)(call->out_of_memory ? no_memory : bad_header);
	spoilt.text.len = call->out_of_memory ? sizeof(no_memory) - 1 : sizeof(bad_header) - 1;
	saying_drop(say);
	*say = spoilt;
}

struct plug_answer answer_say(struct plug_call *call, struct saying *say)
{
	struct plug_answer answer = {call};
	bool stream;

	if (atomic_exchange(&call->answered, true)) {
		saying_drop(say);
		if (call_cancel_code(call) == 0) /* else the library may have been the first */
			plug_call_log(call, PLUG_ERROR,
				      "a call was answered twice; the first answer counts");
		return answer;
	}
	stream = call_is_stream(call);
	saying_mend(call, say);
	if (say->message)
		saying_take_own(call, say);
	if (plug_is_home(call->plug))
		say_at_home(call, say);
	else
		say_elsewhere(call, say);
	if (stream)
		events_over(call);
	return answer;
}

void call_refuse(struct plug_call *call, enum plug_code code, bool not_processed, const char *text)
{
	struct saying say = {
		.last = true,
		.code = code,
		.not_processed = not_processed,
		.text = {(const uint8_t *)text, strlen(text)},
	};

	atomic_store(&call->answered, true);
	call->returned = true;
	say_at_home(call, &say);
}

void call_give_up(struct plug_call *call, enum plug_code code, const char *text)
{
	if (!call->started) {
		call_refuse(call, code, true, text);
		return;
	}
	if (!atomic_exchange(&call->answered, true))
		call_abort(call, code);
	events_over(call);
}

struct plug_answer plug_reply_take(struct plug_call *call, const void *data, size_t len,
				   void (*release)(void *arg), void *arg)
{
	struct saying say = {
		.message = true,
		.last = true,
		.data = {data, len},
		.release = release,
		.arg = arg,
	};

	if (call->entry->kind == METHOD_HTTP)
		return http_say(call, &say);
	return answer_say(call, &say);
}

struct plug_answer plug_reply(struct plug_call *call, const void *data, size_t len)
{
	return plug_reply_take(call, data, len, NULL, NULL);
}

struct plug_answer plug_fail_with(struct plug_call *call, const struct plug_failure *failure)
{
	const char *text = failure->message != NULL ? failure->message : "";
	struct saying say = {
		.last = true,
		.code = failure->code != PLUG_OK ? (uint32_t)failure->code : PLUG_UNKNOWN,
		.text = {(const uint8_t *)text, strnlen(text, FAIL_TEXT_BYTES)},
		.details = {failure->details.data, failure->details.len},
		.retry_after_ms = failure->retry_after_ms,
		.not_processed = failure->not_processed,
	};

	if (say.details.len > METADATA_MAX_BYTES)
		say.details.len = 0;
	return answer_say(call, &say);
}

static struct plug_answer fail_v(struct plug_call *call, enum plug_code code, const char *format,
				 va_list args) PLUG_PRINTF(3, 0);

static struct plug_answer fail_v(struct plug_call *call, enum plug_code code, const char *format,
				 va_list args)
{
	char text[FAIL_TEXT_BYTES + 1];
	struct plug_failure failure = {.code = code, .message = text};

	vsnprintf(text, sizeof(text), format, args);
	return plug_fail_with(call, &failure);
}

struct plug_answer plug_fail(struct plug_call *call, enum plug_code code, const char *format, ...)
{
	struct plug_answer answer;
	va_list args;

	va_start(args, format);
	answer = fail_v(call, code, format, args);
	va_end(args);
	return answer;
}

void plug_abort(struct plug_call *call, enum plug_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)fail_v(call, code, format, args);
	va_end(args);
}

struct plug_answer plug_later(struct plug_call *call)
{
	call->later = true;
	return (struct plug_answer){call};
}

struct plug_answer plug_stream(struct plug_call *call, const struct plug_stream_ops *ops,
			       void *state)
{
	events_begin(call, ops, state);
	return (struct plug_answer){call};
}

void plug_finish(struct plug_call *call)
{
	struct saying say = {.last = true};

	if (call->entry->kind == METHOD_HTTP && !call->http.head_said)
		say.message = true;
	if (call->entry->kind == METHOD_HTTP)
		(void)http_say(call, &say);
	else
		(void)answer_say(call, &say);
}

int answer_send(struct plug_call *call, const struct saying *say)
{
	size_t bytes = say->prefix.len + say->data.len;
	struct outgoing *outgoing;
	bool home = plug_is_home(call->plug);

	if (!call->lane.streams)
		return -EINVAL;
	if (atomic_load(&call->answered) || call_cancel_code(call) != 0)
		return -EPIPE;
	if (call->out_of_memory)
		return -ENOMEM;
	if (home && lane_say_now(&call->plug->lanes, &call->lane, say))
		return 0;
	if (!lane_admit(&call->lane, bytes))
		return -EAGAIN;
	outgoing = outgoing_new(say);
	if (outgoing == NULL) {
		lane_uncharge(&call->lane, bytes);
		return -ENOMEM;
	}
	if (home)
		lane_push(&call->plug->lanes, &call->lane, outgoing);
	else
		outgoing_post(call, outgoing);
	return 0;
}

int plug_send(struct plug_call *call, const void *data, size_t len)
{
	struct saying say = {.message = true, .data = {data, len}};

	if (call->entry->kind == METHOD_HTTP)
		return http_send(call, &say);
	return answer_send(call, &say);
}

void plug_pause(struct plug_call *call)
{
	events_pause(call, true);
}

void plug_resume(struct plug_call *call)
{
	events_pause(call, false);
}

void plug_set_metadata(struct plug_call *call, const char *name, const char *value)
{
	struct wire_bytes key = {(const uint8_t *)name, strlen(name)};
	struct wire_bytes text = {(const uint8_t *)value, strlen(value)};
	struct grow *metadata = &call->lane.metadata;
	size_t bytes = wire_pair_bytes(key.len, text.len);
	uint8_t *out = NULL;

	if (metadata->len + bytes <= METADATA_MAX_BYTES)
		out = grow_reserve(metadata, bytes);
	if (out == NULL) {
		call->out_of_memory = true;
		return;
	}
	metadata->len += wire_put_pair(out, WIRE_RESPONSE_METADATA_FIELD, key, text);
}
