/* The calls that the host makes on one channel.
 *
 * Owns the table of calls. Sends REQUEST, DATA, CANCEL and CREDIT as windows allow, and takes
 * RESPONSE, DATA, CANCEL and CREDIT as the protocol allows: what is not allowed comes back as an
 * error with which the instance fails. REQUEST goes out at once, DATA only while the channel has
 * room, so that a small call never stands behind all that the others' windows allow. Owners are
 * called after the table is right again, because they may start or cancel calls from there. */
#include "plugin/outgoing.h"

#include <assert.h>

#include "observe/errors.h"

#define CODE_CANCELLED 1

void outgoing_init(struct outgoing *outgoing, struct channel *channel, struct flow *flow)
{
	*outgoing = (struct outgoing){.channel = channel, .flow = flow};
	call_table_init(&outgoing->table, flow->plugin.max_calls);
}

void outgoing_deinit(struct outgoing *outgoing)
{
	call_table_deinit(&outgoing->table);
}

/* ---- out ---- */

void outgoing_give_credit(struct channel *channel, uint32_t id, uint32_t bytes)
{
	struct buf *queue = channel_queue(channel);
	struct wire_credit credit = {id, bytes};

	buf_commit(queue, wire_put_credit(buf_reserve(queue, WIRE_CREDIT_BOUND), &credit));
	channel_note(channel, WIRE_CREDIT, id, CHANNEL_NO_PAYLOAD);
	channel_queued(channel);
}

static void put_cancel(struct outgoing *outgoing, uint32_t id, uint32_t code, struct str reason)
{
	struct buf *queue = channel_queue(outgoing->channel);
	struct wire_cancel cancel = {id, code, {(const uint8_t *)reason.data, reason.len}};
	uint8_t *room = buf_reserve(queue, WIRE_CANCEL_BOUND + reason.len);

	buf_commit(queue, wire_put_cancel(room, &cancel));
	channel_note(outgoing->channel, WIRE_CANCEL, id, CHANNEL_NO_PAYLOAD);
	channel_queued(outgoing->channel);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How much payload of this call the windows allow now. */
static uint32_t credit_of(const struct outgoing *outgoing, const struct call *call)
{
	return min_u32(call->send_credit, outgoing->flow->send_credit);
}

static bool has_room(struct outgoing *outgoing)
{
	bool room = channel_has_room(outgoing->channel);

	outgoing->wants_room |= !room;
	return room;
}

/* How much of it may be in its next frame of DATA; 0: none goes now. */
static uint32_t allowed(struct outgoing *outgoing, const struct call *call)
{
	if (!has_room(outgoing))
		return 0;
	return min_u32(credit_of(outgoing, call), outgoing->flow->plugin.chunk_bytes);
}

static void spend(struct outgoing *outgoing, struct call *call, size_t bytes)
{
	call->send_credit -= (uint32_t)bytes;
	outgoing->flow->send_credit -= (uint32_t)bytes;
}

static struct buf *put_data_head(struct outgoing *outgoing, const struct wire_data *data)
{
	struct buf *queue = channel_queue(outgoing->channel);

	buf_commit(queue, wire_put_data_head(buf_reserve(queue, WIRE_DATA_HEAD_BOUND), data));
	return queue;
}

static void send_piece(struct outgoing *outgoing, struct call *call, const struct wire_data *data)
{
	put_data_head(outgoing, data);
	spend(outgoing, call, data->payload.len);
	channel_send_payload(outgoing->channel, data->payload);
	channel_note(outgoing->channel, WIRE_DATA, data->id, data->payload);
}

/* Of what has waited many pieces go at once: one write for all is worth their copies (measured with
 * 64 messages of 1 MiB: a third of the CPU). */
static void send_waiting_piece(struct outgoing *outgoing, struct call *call,
			       const struct wire_data *data)
{
	buf_append(put_data_head(outgoing, data), data->payload.data, data->payload.len);
	spend(outgoing, call, data->payload.len);
	channel_note(outgoing->channel, WIRE_DATA, data->id, data->payload);
	channel_queued(outgoing->channel);
	call_piece_sent(&outgoing->table, call, data);
}

/* Sends what may go of what waits. */
static void send_pending(struct outgoing *outgoing, struct call *call)
{
	struct wire_data piece;

	while (has_room(outgoing) && call_next_piece(call, credit_of(outgoing, call),
						     outgoing->flow->plugin.chunk_bytes, &piece))
		send_waiting_piece(outgoing, call, &piece);
}

static void split_and_send(struct outgoing *outgoing, struct call *call, struct wire_bytes payload,
			   bool more, bool end)
{
	for (;;) {
		uint32_t len = allowed(outgoing, call);

		if (payload.len <= len) {
			send_piece(outgoing, call,
				   &(struct wire_data){call->id, more, end, payload});
			return;
		}
		if (len == 0) {
			call_defer(&outgoing->table, call, payload, more, end);
			return;
		}
		send_piece(outgoing, call,
			   &(struct wire_data){call->id, true, false, {payload.data, len}});
		payload.data += len;
		payload.len -= len;
	}
}

bool outgoing_send(struct outgoing *outgoing, struct call *call, struct wire_bytes payload,
		   bool more, bool end)
{
	assert(call->live && !call->local_ended);
	call->local_ended = end;
	if (call_is_waiting(call))
		call_defer(&outgoing->table, call, payload, more, end);
	else
		split_and_send(outgoing, call, payload, more, end);
	return !call_is_waiting(call);
}

struct call *outgoing_start(struct outgoing *outgoing, const struct wire_request *request,
			    const struct call_ops *ops, void *user)
{
	struct call *call = call_table_add(&outgoing->table);
	struct wire_request first = *request;
	struct buf *queue = channel_queue(outgoing->channel);
	uint32_t len;

	if (!call)
		return NULL;
	call->ops = ops;
	call->user = user;
	call->method = request->method;
	call->started_us = loop_now_us(outgoing->channel->loop);
	call->send_credit = outgoing->flow->plugin.call_window_bytes;
	call->recv_credit = outgoing->flow->host.call_window_bytes;
	outgoing->started++;
	len = min_u32(credit_of(outgoing, call), outgoing->flow->plugin.chunk_bytes);
	first.id = call->id;
	if (first.payload.len > len) {
		first.payload.len = len;
		first.more = true;
		first.end = false;
	}
	buf_commit(queue, wire_put_request_head(buf_reserve(queue, wire_request_head_bound(&first)),
						&first));
	spend(outgoing, call, first.payload.len);
	channel_send_payload(outgoing->channel, first.payload);
	channel_note(outgoing->channel, WIRE_REQUEST, call->id, first.payload);
	call->request_end = channel_position(outgoing->channel);
	call->local_ended = request->end;
	if (first.payload.len < request->payload.len)
		split_and_send(outgoing, call,
			       (struct wire_bytes){request->payload.data + len,
						   request->payload.len - len},
			       request->more, request->end);
	return call;
}

void outgoing_consumed(struct outgoing *outgoing, struct call *call, uint32_t bytes)
{
	uint32_t due =
		call_credit_due(&call->recv_owed, bytes, outgoing->flow->host.call_window_bytes);

	if (due == 0)
		return;
	call->recv_credit += due;
	outgoing_give_credit(outgoing->channel, call->id, due);
}

void outgoing_cancel(struct outgoing *outgoing, struct call *call, uint32_t code, struct str reason,
		     int64_t now_ms)
{
	uint32_t held = outgoing->flow->host.call_window_bytes - call->recv_credit;

	assert(call->live && call->ops);
	call_cancel(&outgoing->table, call, now_ms);
	put_cancel(outgoing, call->id, code, reason);
	/* What the owner held back is nobody's now: without this the plugin could wait for credit
	 * to end the call. */
	call->recv_owed = 0;
	if (held > 0) {
		call->recv_credit += held;
		outgoing_give_credit(outgoing->channel, call->id, held);
	}
}

/* ---- in ---- */

static int unknown_call(struct err *err, enum wire_kind kind, uint32_t id)
{
	return err_set(err, ERR_PROTOCOL_CALL, "%s for call %u, which is not open",
		       frame_kind_name(kind), id);
}

static int check_flags(uint32_t id, bool more, bool end, struct err *err)
{
	if (!more || !end)
		return 0;
	return err_set(err, ERR_PROTOCOL_CALL, "a frame of call %u says both `more` and `end`", id);
}

static int receive_payload(struct outgoing *outgoing, struct call *call, size_t len,
			   struct err *err)
{
	uint32_t due;

	if (len > call->recv_credit)
		return err_set(err, ERR_PROTOCOL_WINDOW,
			       "%zu bytes for call %u, whose window has %u left", len, call->id,
			       call->recv_credit);
	if (!flow_receive(outgoing->flow, (uint32_t)len, &due))
		return err_set(err, ERR_PROTOCOL_WINDOW,
			       "%zu bytes for call %u; the channel's window has %u left", len,
			       call->id, outgoing->flow->recv_credit);
	call->recv_credit -= (uint32_t)len;
	if (due > 0)
		outgoing_give_credit(outgoing->channel, 0, due);
	return 0;
}

/* The plugin's side has ended. Ours may not have: then the answer came early, and what was still to
 * be sent is not. */
static void retire(struct outgoing *outgoing, struct call *call)
{
	if (!call->local_ended || call_is_waiting(call))
		put_cancel(outgoing, call->id, CODE_CANCELLED, STR_LITERAL("answered early"));
	call_table_remove(&outgoing->table, call);
}

/* After an owner has been called, the call may be gone, and the channel too. */
static void credit_if_live(struct outgoing *outgoing, struct call *call, uint32_t id, size_t bytes)
{
	if (call->live && call->id == id && channel_is_open(outgoing->channel))
		outgoing_consumed(outgoing, call, (uint32_t)bytes);
}

int outgoing_on_response(struct outgoing *outgoing, const struct wire_response *response,
			 struct err *err)
{
	struct call *call = call_table_find(&outgoing->table, response->id);
	const struct call_ops *ops;
	void *user;
	int r;

	if (!call)
		return unknown_call(err, WIRE_RESPONSE, response->id);
	if (call->responded)
		return err_set(err, ERR_PROTOCOL_CALL, "a second response for call %u", call->id);
	if (response->code != 0 && !response->end)
		return err_set(err, ERR_PROTOCOL_CALL,
			       "the response for call %u fails but does not end it", call->id);
	r = check_flags(call->id, response->more, response->end, err);
	if (r == 0)
		r = receive_payload(outgoing, call, response->payload.len, err);
	if (r < 0)
		return r;
	call->responded = true;
	ops = call->ops;
	user = call->user;
	if (response->end)
		retire(outgoing, call);
	if (!ops || ops->on_response(user, response))
		credit_if_live(outgoing, call, response->id, response->payload.len);
	return 0;
}

int outgoing_on_data(struct outgoing *outgoing, const struct wire_data *data, struct err *err)
{
	struct call *call = call_table_find(&outgoing->table, data->id);
	const struct call_ops *ops;
	void *user;
	int r;

	if (!call)
		return unknown_call(err, WIRE_DATA, data->id);
	if (!call->responded)
		return err_set(err, ERR_PROTOCOL_CALL, "data for call %u before its response",
			       call->id);
	r = check_flags(call->id, data->more, data->end, err);
	if (r == 0)
		r = receive_payload(outgoing, call, data->payload.len, err);
	if (r < 0)
		return r;
	ops = call->ops;
	user = call->user;
	if (data->end)
		retire(outgoing, call);
	if (!ops || ops->on_data(user, data))
		credit_if_live(outgoing, call, data->id, data->payload.len);
	return 0;
}

int outgoing_on_cancel(struct outgoing *outgoing, const struct wire_cancel *cancel, struct err *err)
{
	struct call *call = call_table_find(&outgoing->table, cancel->id);
	struct call_break why = {.kind = CALL_ABORTED,
				 .code = cancel->code,
				 .reason = {(const char *)cancel->reason.data, cancel->reason.len},
				 .delivered = true};
	const struct call_ops *ops;
	void *user;

	if (!call)
		return unknown_call(err, WIRE_CANCEL, cancel->id);
	if (!call->responded)
		return err_set(err, ERR_PROTOCOL_CALL,
			       "cancel for call %u, which has no response to take back", call->id);
	ops = call->ops;
	user = call->user;
	retire(outgoing, call);
	if (ops)
		ops->on_broken(user, &why);
	return 0;
}

static void tell_writable(struct outgoing *outgoing, struct call *call, uint32_t id)
{
	if (call->live && call->id == id && !call_is_waiting(call) && call->ops)
		call->ops->on_writable(call->user);
}

/* Calls take turns, a chunk each, as long as the channel has credit and room. A full round without
 * a piece ends it. */
static void serve_waiting(struct outgoing *outgoing)
{
	uint32_t idle = 0;
	struct call *call;

	while ((call = TAILQ_FIRST(&outgoing->table.waiting)) && idle <= outgoing->table.live &&
	       outgoing->flow->send_credit > 0 && has_room(outgoing)) {
		uint32_t credit = credit_of(outgoing, call);
		uint32_t id = call->id;
		struct wire_data piece;

		if (call_next_piece(call, credit, outgoing->flow->plugin.chunk_bytes, &piece)) {
			send_waiting_piece(outgoing, call, &piece);
			tell_writable(outgoing, call, id);
			idle = 0;
		} else {
			TAILQ_REMOVE(&outgoing->table.waiting, call, list_link);
			TAILQ_INSERT_TAIL(&outgoing->table.waiting, call, list_link);
			idle++;
		}
	}
}

void outgoing_on_room(struct outgoing *outgoing)
{
	if (!outgoing->wants_room)
		return;
	outgoing->wants_room = false;
	serve_waiting(outgoing);
}

int outgoing_on_credit(struct outgoing *outgoing, const struct wire_credit *credit, struct err *err)
{
	struct call *call;

	if (credit->bytes == 0)
		return err_set(err, ERR_PROTOCOL_WINDOW, "credit of 0 bytes");
	if (credit->id == 0) {
		if (!flow_add_credit(&outgoing->flow->send_credit, credit->bytes))
			return err_set(err, ERR_PROTOCOL_WINDOW, "too much credit: %u bytes",
				       credit->bytes);
		serve_waiting(outgoing);
		return 0;
	}
	/* Not found is normal: the credit and the end of the call crossed. */
	call = call_table_find(&outgoing->table, credit->id);
	if (!call)
		return 0;
	if (!flow_add_credit(&call->send_credit, credit->bytes))
		return err_set(err, ERR_PROTOCOL_WINDOW, "too much credit for call %u: %u bytes",
			       credit->id, credit->bytes);
	if (call_is_waiting(call)) {
		send_pending(outgoing, call);
		tell_writable(outgoing, call, credit->id);
	}
	return 0;
}

static void add_lost(const struct outgoing *outgoing, const struct call *call,
		     struct outgoing_lost *out)
{
	if (out->count < OUTGOING_LOST_MAX)
		out->calls[out->count] = (struct outgoing_lost_call){
			.id = call->id,
			.method = call->method,
			.age_us = loop_now_us(outgoing->channel->loop) - call->started_us,
			.is_delivered = channel_is_delivered(outgoing->channel, call->request_end),
			.is_answered = call->responded,
			.is_cancelled = call->cancelled,
		};
	out->count++;
}

void outgoing_list_lost(const struct outgoing *outgoing, struct outgoing_lost *out)
{
	const struct call_table *table = &outgoing->table;

	out->count = 0;
	for (uint32_t i = 0; i < table->cap && table->slots[i]; i++) {
		if (table->slots[i]->live)
			add_lost(outgoing, table->slots[i], out);
	}
}

void outgoing_break_all(struct outgoing *outgoing, const struct call_break *why)
{
	struct call_break told = *why;
	struct call *call;

	told.first = true;
	while ((call = call_table_any(&outgoing->table))) {
		const struct call_ops *ops = call->ops;
		void *user = call->user;

		told.delivered = channel_is_delivered(outgoing->channel, call->request_end);
		call_table_remove(&outgoing->table, call);
		if (!ops)
			continue;
		ops->on_broken(user, &told);
		told.first = false;
	}
}

/* Owners are told one by one, and may start nothing here: the channel's owner has fenced it. */
unsigned outgoing_cancel_all(struct outgoing *outgoing, const struct call_break *why,
			     int64_t now_ms)
{
	const struct call_table *table = &outgoing->table;
	struct call_break told = *why;
	unsigned count = 0;

	for (uint32_t i = 0; i < table->cap && table->slots[i]; i++) {
		struct call *call = table->slots[i];
		const struct call_ops *ops = call->ops;
		void *user = call->user;

		if (!call->live || !ops)
			continue;
		told.delivered = channel_is_delivered(outgoing->channel, call->request_end);
		told.first = count++ == 0;
		outgoing_cancel(outgoing, call, CODE_CANCELLED, why->reason, now_ms);
		ops->on_broken(user, &told);
	}
	return count;
}

uint32_t outgoing_live(const struct outgoing *outgoing)
{
	return outgoing->table.live;
}
