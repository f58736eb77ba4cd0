/* The calls that a plugin makes to the host on one channel.
 *
 * Owns a small table of ids. Refuses what a plugin may not do (ids that are odd or live, more calls
 * than HELLO allowed); answers what it may do and we don't take (a request in several pieces) with
 * a code. A call that the plugin cancels is answered all the same: whoever serves a call ends it
 * once. */
#include "plugin/incoming.h"

#include <assert.h>
#include <string.h>

#include "observe/errors.h"
#include "plugin/outgoing.h"

#define CODE_RESOURCE_EXHAUSTED 8

void incoming_init(struct incoming *incoming, struct channel *channel, struct flow *flow)
{
	memset(incoming, 0, sizeof(*incoming));
	incoming->channel = channel;
	incoming->flow = flow;
}

static struct incoming_call *find(struct incoming *incoming, uint32_t id)
{
	for (size_t i = 0; i < INCOMING_MAX_CALLS; i++) {
		if (incoming->calls[i].id == id)
			return &incoming->calls[i];
	}
	return NULL;
}

static void retire_if_over(struct incoming_call *call)
{
	if (call->caller_ended && call->answered)
		call->id = 0;
}

static void put_response(struct incoming *incoming, const struct wire_response *response)
{
	struct buf *queue = channel_queue(incoming->channel);
	uint8_t *room = buf_reserve(queue, wire_response_head_bound(response));

	buf_commit(queue, wire_put_response_head(room, response));
	incoming->flow->send_credit -= (uint32_t)response->payload.len;
	channel_send_payload(incoming->channel, response->payload);
	channel_note(incoming->channel, WIRE_RESPONSE, response->id, response->payload);
}

void incoming_answer(struct incoming *incoming, uint32_t id, const struct incoming_answer *answer)
{
	struct incoming_call *call = id ? find(incoming, id) : NULL;
	struct wire_response response = {
		.id = id,
		.code = answer->code,
		.message = {(const uint8_t *)answer->message.data, answer->message.len},
		.end = true,
		.payload = answer->payload,
	};

	if (!call || call->answered || !channel_is_open(incoming->channel))
		return;
	assert(answer->payload.len <= WIRE_CHUNK_BYTES);
	if (answer->payload.len > incoming->flow->send_credit) {
		static const char text[] = "the channel has no window left for the answer";

		response.code = CODE_RESOURCE_EXHAUSTED;
		response.message = (struct wire_bytes){(const uint8_t *)text, sizeof(text) - 1};
		response.payload.len = 0;
	}
	put_response(incoming, &response);
	call->answered = true;
	retire_if_over(call);
}

static void refuse_long(struct incoming *incoming, uint32_t id)
{
	incoming_answer(incoming, id,
			&(struct incoming_answer){
				.code = CODE_RESOURCE_EXHAUSTED,
				.message = STR_LITERAL("a request to the host must fit into one "
						       "frame")});
}

static int receive(struct incoming *incoming, size_t len, struct err *err)
{
	uint32_t due;

	if (!flow_receive(incoming->flow, (uint32_t)len, &due))
		return err_set(err, ERR_PROTOCOL_WINDOW,
			       "%zu bytes; the channel's window has %u left", len,
			       incoming->flow->recv_credit);
	if (due > 0)
		outgoing_give_credit(incoming->channel, 0, due);
	return 0;
}

int incoming_on_request(struct incoming *incoming, const struct wire_request *request,
			struct err *err)
{
	struct incoming_call *row;
	int r;

	if (request->id == 0 || request->id % 2 == 1)
		return err_set(err, ERR_PROTOCOL_CALL,
			       "a plugin's call has the id %u; it must be even", request->id);
	if (find(incoming, request->id))
		return err_set(err, ERR_PROTOCOL_CALL, "call %u is open already", request->id);
	row = find(incoming, 0);
	if (!row)
		return err_set(err, ERR_PROTOCOL_CALL, "more than %d calls at once",
			       INCOMING_MAX_CALLS);
	r = receive(incoming, request->payload.len, err);
	if (r < 0)
		return r;
	*row = (struct incoming_call){.id = request->id, .caller_ended = request->end};
	if (request->more || !request->end)
		refuse_long(incoming, request->id);
	else
		incoming->on_request(incoming->user, request);
	return 0;
}

int incoming_on_data(struct incoming *incoming, const struct wire_data *data, struct err *err)
{
	struct incoming_call *call = data->id ? find(incoming, data->id) : NULL;

	if (!call || call->caller_ended)
		return err_set(err, ERR_PROTOCOL_CALL, "data for call %u, which is not open",
			       data->id);
	call->caller_ended = data->end;
	retire_if_over(call);
	return receive(incoming, data->payload.len, err);
}

void incoming_on_cancel(struct incoming *incoming, const struct wire_cancel *cancel)
{
	/* Not found is normal: the cancel and our answer crossed. */
	struct incoming_call *call = cancel->id ? find(incoming, cancel->id) : NULL;

	if (!call)
		return;
	call->caller_ended = true;
	retire_if_over(call);
}
