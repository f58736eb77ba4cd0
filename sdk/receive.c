/* The frames of calls, as they come from the host: checks them, puts messages together, and starts
 * or feeds the call. Called by frames.c. A frame that the protocol does not allow ends the plugin
 * by plug_break(); a request that can't be served is refused, and the others go on. */
#include "sdk/receive.h"

#include <stdlib.h>

#include "sdk/answer.h"
#include "sdk/events.h"
#include "sdk/http.h"
#include "sdk/runtime.h"

/* So many times max_calls may be answered while their callers have not ended. */
#define ENDLESS_CALLS 4

static struct plug_call *call_of_lane(struct lane *lane)
{
	return (struct plug_call *)((char *)lane - offsetof(struct plug_call, lane));
}

static void call_on_room(struct lane *lane)
{
	events_room(call_of_lane(lane));
}

static void call_on_ended(struct lane *lane)
{
	call_settle(call_of_lane(lane));
}

static const struct lane_ops call_lane_ops = {
	.on_room = call_on_room,
	.on_ended = call_on_ended,
};

/* Whether nobody will read what still comes. */
static bool call_is_deaf(const struct plug_call *call)
{
	if (call->finished || call->returned || atomic_load(&call->answered))
		return true;
	return call->started && !call_is_stream(call) && call->entry->kind != METHOD_STREAM &&
	       !(call->entry->kind == METHOD_HTTP && call->http.route != NULL &&
		 call->http.route->stream);
}

/* Adds a piece to the message that is being put together. */
static bool piece_collect(struct plug_call *call, struct wire_bytes piece)
{
	const char *why = "the message is larger than the plugin takes";

	if (call->partial.len + piece.len <= call->plug->limits.max_message_bytes)
		why = call_collect(call, &call->partial, piece);
	if (why != NULL)
		call_give_up(call, PLUG_RESOURCE_EXHAUSTED, why);
	return why == NULL;
}

/* A whole message of a stream; or only its beginning or end. */
static void stream_receive(struct plug_call *call, struct wire_bytes message, uint32_t debt,
			   bool no_message)
{
	if (!no_message && !events_take(call, message, debt))
		call_give_up(call, PLUG_RESOURCE_EXHAUSTED, "no memory for the message");
	if (call->caller_ended)
		events_end(call);
}

static void unary_receive(struct plug_call *call, struct wire_bytes message, uint32_t debt)
{
	call->request = message;
	call_spend(call, debt);
	call_start(call);
}

static void message_receive(struct plug_call *call, struct wire_bytes message, uint32_t debt,
			    bool no_message)
{
	switch (call->entry->kind) {
	case METHOD_UNARY:
		unary_receive(call, message, debt);
		break;
	case METHOD_STREAM:
		stream_receive(call, message, debt, no_message);
		break;
	case METHOD_HTTP:
		http_receive(call, message, debt, no_message);
		break;
	}
}

/* The rest of a message in pieces; its credit was seen to piece by piece. */
static void pieces_receive(struct plug_call *call, struct wire_bytes piece, bool more)
{
	struct wire_bytes message;

	if (!piece_collect(call, piece)) {
		call_spend(call, (uint32_t)piece.len);
		return;
	}
	if (call->started)
		events_owe(call, (uint32_t)piece.len);
	else
		call_spend(call, (uint32_t)piece.len);
	call->head.payload.len = 0;
	if (more)
		return;
	message = (struct wire_bytes){call->partial.data, call->partial.len};
	message_receive(call, message, 0, false);
	if (call->entry->kind != METHOD_UNARY && call->partial.data == message.data)
		free(call_steal(call, &call->partial));
}

/* What REQUEST (`first`) and DATA have in common. */
static void piece_receive(struct plug_call *call, struct wire_bytes piece, bool more, bool end,
			  bool first)
{
	bool in_pieces = more || call->in_message;

	call->caller_ended = end;
	call->in_message = more;
	if (first && call->entry->kind == METHOD_STREAM) {
		call->head.payload.len = 0;
		call_start(call);
	}
	if (call_is_deaf(call)) {
		call_spend(call, (uint32_t)piece.len);
		return;
	}
	if (in_pieces)
		pieces_receive(call, piece, more);
	else
		message_receive(call, piece, (uint32_t)piece.len, piece.len == 0 && (end || first));
}

/* The call was dealt with for now: it may be gone, or it must be found again. */
static void call_let_go(struct plug_call *call)
{
	call->busy = false;
	if (!call_settle(call))
		return;
	*call->keeps |= call->started;
	call_keep_request(call, !call->started);
	if (!call->in_table)
		call_enter(call);
}

static void call_discard(struct plug_call *call)
{
	call->returned = true;
	call->arrived = true;
	call->lane.ended = true;
	call->caller_ended = true;
	call->busy = false;
	call_settle(call);
}

/* Why a request can't be served; NULL when it can. */
static const char *request_refusal(struct plug *plug, const struct plug_call *call,
				   enum plug_code *code_out)
{
	*code_out = PLUG_UNAVAILABLE;
	if (plug->state == STATE_DRAINING)
		return "the plugin is ending";
	*code_out = PLUG_RESOURCE_EXHAUSTED;
	if (plug->calls.live > plug->limits.max_calls)
		return "the plugin has too many calls";
	*code_out = PLUG_UNIMPLEMENTED;
	if (call->head.method == 0 || call->head.method > plug->method_count)
		return "the plugin has no method of that number";
	return NULL;
}

static void request_serve(struct plug *plug, struct plug_call *call)
{
	const struct wire_request *head = &call->head;
	enum plug_code code;
	const char *refusal = request_refusal(plug, call, &code);

	if (head->timeout_ms > 0)
		call->deadline_ms = plug_turn_ms(plug) + head->timeout_ms;
	if (refusal != NULL) {
		call->entry = &plug->methods[0];
		call->keeps = &call->entry->keeps;
		call->caller_ended = head->end;
		call_refuse(call, code, true, refusal);
		call_spend(call, (uint32_t)head->payload.len);
		return;
	}
	call->entry = &plug->methods[head->method - 1];
	call->keeps = &call->entry->keeps;
	call->lane.streams =
		call->entry->kind == METHOD_HTTP || call->entry->method->server_streams;
	piece_receive(call, head->payload, head->more, head->end, true);
}

static const char *request_fault(const struct plug *plug, const struct wire_request *head)
{
	if (head->id % 2 == 0)
		return "its id is even";
	if (head->more && head->end)
		return "it ends in the middle of a message";
	if (call_find(&plug->calls, head->id) != NULL)
		return "its id is in use";
	if (plug->calls.count >= ENDLESS_CALLS * (size_t)plug->limits.max_calls)
		return "too many calls were answered and never ended";
	return NULL;
}

/* No memory for a call: a whole request is refused without one. The rest of a longer one could not
 * be told from bytes that nobody announced. */
static void request_turn_away(struct plug *plug, struct wire_bytes body)
{
	struct wire_request head;
	struct wire_response refusal = {
		.id = UINT32_MAX, /* as long as an id can be */
		.code = PLUG_RESOURCE_EXHAUSTED,
		.not_processed = true,
		.end = true,
	};
	struct credit credit = {.window = plug->limits.call_window_bytes};
	const char *why;
	uint8_t *out = NULL;

	if (wire_get_request(body, &head, &why) && head.end && request_fault(plug, &head) == NULL &&
	    credit_receive(plug, head.id, &credit, head.payload.len))
		out = output_reserve(&plug->output, wire_response_head_bound(&refusal));
	if (out == NULL) {
		plug_break(plug, "no memory for another call");
		return;
	}
	refusal.id = head.id;
	output_commit(&plug->output, wire_put_response_head(out, &refusal));
}

void receive_request(struct plug *plug, struct wire_bytes body)
{
	struct plug_call *call = call_new(plug);
	const char *why = NULL;

	export_give_up(plug, "calls came before the state was handed over");
	if (call == NULL) {
		request_turn_away(plug, body);
		return;
	}
	call->busy = true;
	if (wire_get_request(body, &call->head, &why))
		why = request_fault(plug, &call->head);
	lane_init(&call->lane, &plug->lanes, call->head.id, &call_lane_ops);
	if (why != NULL) {
		plug_break(plug, "REQUEST %u: %s", call->head.id, why);
		call_discard(call);
		return;
	}
	if (!credit_receive(plug, call->lane.id, &call->credit, call->head.payload.len)) {
		call_discard(call);
		return;
	}
	request_serve(plug, call);
	call_let_go(call);
}

void receive_data(struct plug *plug, struct wire_bytes body)
{
	struct wire_data data;
	struct plug_call *call;
	const char *why;

	if (!wire_get_data(body, &data, &why)) {
		plug_break(plug, "DATA: %s", why);
		return;
	}
	if (data.id % 2 == 0 && data.id > 0) {
		host_call_data(plug, &data);
		return;
	}
	call = call_find(&plug->calls, data.id);
	if (call == NULL || call->caller_ended) {
		plug_break(plug, "DATA for call %u, which its caller has ended", data.id);
		return;
	}
	if (data.more && data.end) {
		plug_break(plug, "DATA for call %u ends in the middle of a message", data.id);
		return;
	}
	if (!credit_receive(plug, data.id, &call->credit, data.payload.len))
		return;
	call->busy = true;
	piece_receive(call, data.payload, data.more, data.end, false);
	call_let_go(call);
}

/* Nobody waits for the answer any more. */
static void call_cancel(struct plug_call *call, uint32_t code)
{
	call->caller_ended = true;
	if (call->finished)
		return;
	if (!call->started && !call->returned) {
		call_refuse(call, (enum plug_code)code, true, "");
		return;
	}
	atomic_store(&call->cancelled, code);
	if (atomic_load(&call->answered)) {
		lane_abort(&call->plug->lanes, &call->lane, code);
	} else if (call_is_stream(call) || call->entry->kind == METHOD_STREAM) {
		events_cancel(call, code);
	}
}

void receive_cancel(struct plug *plug, struct wire_bytes body)
{
	struct wire_cancel cancel;
	struct plug_call *call;
	const char *why;

	if (!wire_get_cancel(body, &cancel, &why)) {
		plug_break(plug, "CANCEL: %s", why);
		return;
	}
	if (cancel.code == 0)
		cancel.code = PLUG_CANCELLED;
	if (cancel.id % 2 == 0 && cancel.id > 0) {
		host_call_cancel(plug, &cancel);
		return;
	}
	call = call_find(&plug->calls, cancel.id);
	if (call == NULL)
		return; /* our answer and this CANCEL have crossed */
	call->busy = true;
	call_cancel(call, cancel.code);
	call->busy = false;
	call_settle(call);
}

void receive_credit(struct plug *plug, struct wire_bytes body)
{
	struct wire_credit credit;
	struct plug_call *call;
	const char *why;
	bool fine = true;

	if (!wire_get_credit(body, &credit, &why)) {
		plug_break(plug, "CREDIT: %s", why);
		return;
	}
	if (credit.id == 0) {
		fine = lanes_credit(&plug->lanes, credit.bytes);
	} else if (credit.id % 2 == 0) {
		fine = host_call_credit(plug, &credit);
	} else {
		call = call_find(&plug->calls, credit.id);
		if (call != NULL && !call->lane.ended)
			fine = lane_credit(&plug->lanes, &call->lane, credit.bytes);
	}
	if (!fine)
		plug_break(plug, "CREDIT for %u: more than was used", credit.id);
}
