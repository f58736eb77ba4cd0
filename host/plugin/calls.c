/* All calls on one channel, in both directions.
 *
 * Owns the windows and the two tables. Decides nothing but the direction; each side judges its own
 * frames. */
#include "plugin/calls.h"

#include "observe/errors.h"

static bool is_hosts(uint32_t id)
{
	return id % 2 == 1;
}

void calls_init(struct calls *calls, struct channel *channel, const struct handshake_limits *host,
		const struct handshake_limits *plugin)
{
	flow_init(&calls->flow, host, plugin);
	outgoing_init(&calls->outgoing, channel, &calls->flow);
	incoming_init(&calls->incoming, channel, &calls->flow);
}

void calls_deinit(struct calls *calls)
{
	outgoing_deinit(&calls->outgoing);
}

bool calls_is_frame(enum wire_kind kind)
{
	return kind >= WIRE_REQUEST && kind <= WIRE_CREDIT;
}

static int malformed(enum wire_kind kind, const char *why, struct err *err)
{
	return err_set(err, ERR_PROTOCOL_FRAME, "%s in a %s", why, frame_kind_name(kind));
}

static void tell_trail(struct calls *calls, uint32_t id, struct wire_bytes payload)
{
	trail_tell(&calls->outgoing.channel->trail, id, payload);
}

static int on_request(struct calls *calls, struct wire_bytes body, struct err *err)
{
	struct wire_request request;
	const char *why;

	if (!wire_get_request(body, &request, &why))
		return malformed(WIRE_REQUEST, why, err);
	tell_trail(calls, request.id, request.payload);
	return incoming_on_request(&calls->incoming, &request, err);
}

static int on_response(struct calls *calls, struct wire_bytes body, struct err *err)
{
	struct wire_response response;
	const char *why;

	if (!wire_get_response(body, &response, &why))
		return malformed(WIRE_RESPONSE, why, err);
	tell_trail(calls, response.id, response.payload);
	return outgoing_on_response(&calls->outgoing, &response, err);
}

static int on_data(struct calls *calls, struct wire_bytes body, struct err *err)
{
	struct wire_data data;
	const char *why;

	if (!wire_get_data(body, &data, &why))
		return malformed(WIRE_DATA, why, err);
	tell_trail(calls, data.id, data.payload);
	if (is_hosts(data.id))
		return outgoing_on_data(&calls->outgoing, &data, err);
	return incoming_on_data(&calls->incoming, &data, err);
}

static int on_cancel(struct calls *calls, struct wire_bytes body, struct err *err)
{
	struct wire_cancel cancel;
	const char *why;

	if (!wire_get_cancel(body, &cancel, &why))
		return malformed(WIRE_CANCEL, why, err);
	tell_trail(calls, cancel.id, CHANNEL_NO_PAYLOAD);
	if (is_hosts(cancel.id))
		return outgoing_on_cancel(&calls->outgoing, &cancel, err);
	incoming_on_cancel(&calls->incoming, &cancel);
	return 0;
}

/* Credit for an answer of ours needs no book: each is one frame. */
static int on_credit(struct calls *calls, struct wire_bytes body, struct err *err)
{
	struct wire_credit credit;
	const char *why;

	if (!wire_get_credit(body, &credit, &why))
		return malformed(WIRE_CREDIT, why, err);
	tell_trail(calls, credit.id, CHANNEL_NO_PAYLOAD);
	if (credit.id == 0 || is_hosts(credit.id))
		return outgoing_on_credit(&calls->outgoing, &credit, err);
	return 0;
}

int calls_on_frame(struct calls *calls, const struct frame *frame, struct err *err)
{
	typedef int frame_fn(struct calls *, struct wire_bytes, struct err *);
	static frame_fn *const by_kind[] = {
		[WIRE_REQUEST] = on_request, [WIRE_RESPONSE] = on_response, [WIRE_DATA] = on_data,
		[WIRE_CANCEL] = on_cancel,   [WIRE_CREDIT] = on_credit,
	};

	return by_kind[frame->kind](calls, frame->body, err);
}
