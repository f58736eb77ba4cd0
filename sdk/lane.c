/* One direction of one call, outwards. Owns the queued sayings. Called by answer.c and host_call.c,
 * which queue; by receive.c, which brings credit; by serve.c, which lets all lanes speak before
 * each flush. It never writes and never waits: without credit or memory a lane stays silent until
 * there is some. */
#include "sdk/lane.h"

#include <stdlib.h>
#include <string.h>

/* Below this a payload is copied into the stage; from here on it is pointed to. */
#define LANE_ATTACH_BYTES 4096u

/* A borrowed payload up to this is staged at once: one copy, no allocation. */
#define LANE_DIRECT_BYTES (16u << 10)

/* Staged for one write. */
#define LANE_BATCH_BYTES (256u << 10)

/* What a queued message costs beside its bytes, so that many empty ones are noticed. */
#define LANE_MESSAGE_COST 64u

/* A prefix beyond this is joined with its data. */
#define LANE_PREFIX_BYTES 4096u

static size_t saying_bytes(const struct saying *say)
{
	return say->message ? say->prefix.len + say->data.len : 0;
}

static uint8_t *storage_put(uint8_t *at, struct wire_bytes *bytes)
{
	if (bytes->len > 0)
		memcpy(at, bytes->data, bytes->len);
	bytes->data = at;
	return at + bytes->len;
}

/* Without a release the data is copied behind the prefix, and both are one run. */
struct outgoing *outgoing_new(const struct saying *say)
{
	bool join = say->release == NULL || say->prefix.len > LANE_PREFIX_BYTES;
	size_t copied = say->text.len + say->details.len + say->prefix.len;
	struct outgoing *outgoing = malloc(sizeof(*outgoing) + copied + (join ? say->data.len : 0));
	uint8_t *at;

	if (outgoing == NULL)
		return NULL;
	*outgoing = (struct outgoing){.refs = 1, .say = *say};
	at = storage_put(outgoing->storage, &outgoing->say.text);
	at = storage_put(at, &outgoing->say.details);
	at = storage_put(at, &outgoing->say.prefix);
	if (!join)
		return outgoing;
	storage_put(at, &outgoing->say.data);
	outgoing->say.data.data = outgoing->say.prefix.data;
	outgoing->say.data.len += outgoing->say.prefix.len;
	outgoing->say.prefix.len = 0;
	outgoing->say.release = NULL;
	if (say->release != NULL)
		say->release(say->arg);
	return outgoing;
}

void outgoing_unref(struct outgoing *outgoing)
{
	if (--outgoing->refs > 0)
		return;
	if (outgoing->say.release != NULL)
		outgoing->say.release(outgoing->say.arg);
	free(outgoing);
}

static void outgoing_release(void *arg)
{
	outgoing_unref(arg);
}

void lanes_init(struct lanes *lanes, struct output *output, uint32_t chunk, uint32_t call_window,
		uint32_t window)
{
	*lanes = (struct lanes){
		.output = output,
		.chunk = chunk,
		.call_window = call_window,
		.window = window,
		.credit = window,
	};
	TAILQ_INIT(&lanes->ready);
}

void lane_init(struct lane *lane, const struct lanes *lanes, uint32_t id,
	       const struct lane_ops *ops)
{
	lane->ops = ops;
	lane->id = id;
	lane->credit = lanes->call_window;
	lane->window = lanes->call_window;
}

static void lane_set_ready(struct lanes *lanes, struct lane *lane)
{
	if (lane->ready || lane->ended)
		return;
	lane->ready = true;
	lanes->ready_count++;
	TAILQ_INSERT_TAIL(&lanes->ready, lane, link);
}

static void lane_clear_ready(struct lanes *lanes, struct lane *lane)
{
	if (!lane->ready)
		return;
	lane->ready = false;
	lanes->ready_count--;
	TAILQ_REMOVE(&lanes->ready, lane, link);
}

/* Takes the first saying off the queue. Its pieces in the output may still need it. */
static void lane_pop(struct lane *lane)
{
	struct outgoing *outgoing = lane->first;

	lane->first = outgoing->next;
	if (lane->first == NULL)
		lane->last = NULL;
	atomic_fetch_sub(&lane->queued, saying_bytes(&outgoing->say) + LANE_MESSAGE_COST);
	outgoing_unref(outgoing);
}

void lane_deinit(struct lanes *lanes, struct lane *lane)
{
	lane_clear_ready(lanes, lane);
	while (lane->first != NULL)
		lane_pop(lane);
	grow_deinit(&lane->metadata);
}

static void lane_set_ended(struct lanes *lanes, struct lane *lane)
{
	while (lane->first != NULL)
		lane_pop(lane);
	lane_clear_ready(lanes, lane);
	lane->ended = true;
	lane->ops->on_ended(lane);
}

/* One frame of a lane: which part of a saying it holds. */
struct part {
	const struct saying *say;
	struct wire_bytes prefix;
	struct wire_bytes data;
	bool more;
	bool end;
};

static size_t response_put(uint8_t *out, const struct lane *lane, const struct part *part)
{
	struct wire_response response = {
		.id = lane->id,
		.code = part->say->code,
		.retry_after_ms = part->say->retry_after_ms,
		.not_processed = part->say->not_processed,
		.more = part->more,
		.end = part->end,
		.message = part->say->text,
		.details = part->say->details,
		.metadata = {lane->metadata.data, lane->metadata.len},
		.payload = {NULL, part->prefix.len + part->data.len},
	};

	return wire_put_response_head(out, &response);
}

static size_t request_put(uint8_t *out, const struct lane *lane, const struct part *part)
{
	struct wire_request request = *lane->ask;

	request.more = part->more;
	request.end = part->end;
	request.payload = (struct wire_bytes){NULL, part->prefix.len + part->data.len};
	return wire_put_request_head(out, &request);
}

static size_t data_put(uint8_t *out, const struct lane *lane, const struct part *part)
{
	struct wire_data data = {
		.id = lane->id,
		.more = part->more,
		.end = part->end,
		.payload = {NULL, part->prefix.len + part->data.len},
	};

	return wire_put_data_head(out, &data);
}

static size_t head_bound(const struct lane *lane, const struct part *part)
{
	struct wire_response response = {
		.message = part->say->text,
		.details = part->say->details,
		.metadata = {lane->metadata.data, lane->metadata.len},
	};

	if (lane->opened)
		return WIRE_DATA_HEAD_BOUND;
	return lane->ask != NULL ? wire_request_head_bound(lane->ask)
				 : wire_response_head_bound(&response);
}

static size_t head_put(uint8_t *out, const struct lane *lane, const struct part *part)
{
	if (lane->opened)
		return data_put(out, lane, part);
	return lane->ask != NULL ? request_put(out, lane, part) : response_put(out, lane, part);
}

/* After RESPONSE a failure is a CANCEL. */
static bool lane_stage_cancel(struct lanes *lanes, struct lane *lane, const struct saying *say)
{
	struct wire_cancel cancel = {.id = lane->id, .code = say->code, .reason = say->text};
	uint8_t *out = output_reserve(lanes->output, WIRE_CANCEL_BOUND + say->text.len);

	if (out == NULL)
		return false;
	output_commit(lanes->output, wire_put_cancel(out, &cancel));
	return true;
}

/* Stages one frame: head and prefix are copied; so is the data, unless `piece` says who keeps
 * it. */
static bool lane_stage(struct lanes *lanes, struct lane *lane, const struct part *part,
		       struct output_piece *piece)
{
	size_t copied = part->prefix.len + (piece == NULL ? part->data.len : 0);
	uint8_t *out = output_reserve(lanes->output, head_bound(lane, part) + copied);
	size_t len;

	if (out == NULL)
		return false;
	len = head_put(out, lane, part);
	if (part->prefix.len > 0)
		memcpy(out + len, part->prefix.data, part->prefix.len);
	len += part->prefix.len;
	if (piece == NULL && part->data.len > 0) {
		memcpy(out + len, part->data.data, part->data.len);
		len += part->data.len;
	}
	output_commit(lanes->output, len);
	if (piece != NULL)
		output_attach(lanes->output, piece);
	lane->opened = true;
	lane->credit -= (uint32_t)(part->prefix.len + part->data.len);
	lanes->credit -= (uint32_t)(part->prefix.len + part->data.len);
	return true;
}

static bool lane_fits_now(const struct lanes *lanes, const struct lane *lane,
			  const struct saying *say, size_t bytes)
{
	if (lane->first != NULL || lane->ended || lane->abort != 0)
		return false;
	if (bytes > lanes->chunk || bytes > lane->credit || bytes > lanes->credit)
		return false;
	if (say->release != NULL)
		return output_can_attach(lanes->output);
	return bytes <= LANE_DIRECT_BYTES;
}

bool lane_say_now(struct lanes *lanes, struct lane *lane, const struct saying *say)
{
	struct part part = {.say = say, .prefix = say->prefix, .data = say->data, .end = say->last};
	struct output_piece piece = {0};
	bool attach = say->release != NULL && say->data.len > LANE_ATTACH_BYTES;
	size_t bytes = saying_bytes(say);

	if (!lane_fits_now(lanes, lane, say, bytes))
		return false;
	if (bytes == 0 && (lane->streams || (say->code != 0 && lane->opened)))
		return false;
	if (attach)
		piece = (struct output_piece){
			.data = say->data.data,
			.len = say->data.len,
			.release = say->release,
			.arg = say->arg,
		};
	if (!lane_stage(lanes, lane, &part, attach ? &piece : NULL))
		return false;
	if (!attach && say->release != NULL)
		say->release(say->arg);
	if (say->last)
		lane_set_ended(lanes, lane);
	return true;
}

void lane_push(struct lanes *lanes, struct lane *lane, struct outgoing *outgoing)
{
	outgoing->next = NULL;
	if (lane->ended || lane->abort != 0) {
		outgoing_unref(outgoing);
		return;
	}
	if (lane->last != NULL)
		lane->last->next = outgoing;
	else
		lane->first = outgoing;
	lane->last = outgoing;
	lane_set_ready(lanes, lane);
}

void lane_abort(struct lanes *lanes, struct lane *lane, uint32_t code)
{
	if (lane->ended)
		return;
	lane->abort = code;
	while (lane->first != NULL)
		lane_pop(lane);
	lane_set_ready(lanes, lane);
}

bool lane_admit(struct lane *lane, size_t bytes)
{
	size_t cost = bytes + LANE_MESSAGE_COST;
	size_t before = atomic_fetch_add(&lane->queued, cost);

	if (before == 0 || before + cost <= lane->window)
		return true;
	atomic_store(&lane->wants_room, true);
	atomic_fetch_sub(&lane->queued, cost);
	/* If all of it left meanwhile, nobody would tell: take it after all. `wants_room` stays,
	 * for another thread may have been turned away at the same time. */
	if (atomic_load(&lane->queued) > 0)
		return false;
	atomic_fetch_add(&lane->queued, cost);
	return true;
}

void lane_charge(struct lane *lane, size_t bytes)
{
	atomic_fetch_add(&lane->queued, bytes + LANE_MESSAGE_COST);
}

void lane_uncharge(struct lane *lane, size_t bytes)
{
	atomic_fetch_sub(&lane->queued, bytes + LANE_MESSAGE_COST);
}

static bool credit_add(uint32_t *credit, uint32_t window, uint32_t bytes)
{
	if (bytes > window - *credit)
		return false;
	*credit += bytes;
	return true;
}

bool lane_credit(struct lanes *lanes, struct lane *lane, uint32_t bytes)
{
	if (!credit_add(&lane->credit, lane->window, bytes))
		return false;
	if (lane->first != NULL)
		lane_set_ready(lanes, lane);
	return true;
}

bool lanes_credit(struct lanes *lanes, uint32_t bytes)
{
	return credit_add(&lanes->credit, lanes->window, bytes);
}

enum step {
	STEP_SAID,
	STEP_ENDED, /* and the lane may be gone */
	STEP_WAITS_FOR_CALL,
	STEP_WAITS_FOR_CHANNEL,
	STEP_WAITS_FOR_MEMORY,
};

/* The next part of a message that is not longer than `bytes`. */
static struct part outgoing_part(const struct outgoing *outgoing, size_t bytes)
{
	const struct saying *say = &outgoing->say;
	struct part part = {.say = say};
	size_t from_prefix = 0;

	if (outgoing->sent < say->prefix.len) {
		part.prefix.data = say->prefix.data + outgoing->sent;
		part.prefix.len = say->prefix.len - outgoing->sent;
		if (part.prefix.len > bytes)
			part.prefix.len = bytes;
		from_prefix = part.prefix.len;
	}
	part.data.len = bytes - from_prefix;
	if (part.data.len > 0)
		part.data.data = say->data.data + (outgoing->sent + from_prefix - say->prefix.len);
	part.more = outgoing->sent + bytes < say->prefix.len + say->data.len;
	return part;
}

/* An end by failure, or without a message. */
static enum step lane_say_end(struct lanes *lanes, struct lane *lane, const struct saying *say)
{
	struct part part = {.say = say, .end = true};
	bool staged = true;

	if (lane->opened && say->code != 0)
		staged = lane_stage_cancel(lanes, lane, say);
	else if (lane->ask == NULL) /* a request that was never sent needs no end */
		staged = lane_stage(lanes, lane, &part, NULL);
	if (!staged)
		return STEP_WAITS_FOR_MEMORY;
	lane_set_ended(lanes, lane);
	return STEP_ENDED;
}

/* Stages the next part of the first message. */
static enum step lane_say_part(struct lanes *lanes, struct lane *lane, size_t bytes)
{
	struct outgoing *outgoing = lane->first;
	struct part part = outgoing_part(outgoing, bytes);
	bool only_opens = bytes == 0 && lane->streams && !lane->opened;
	bool attach = part.data.len > LANE_ATTACH_BYTES;
	struct output_piece piece = {
		.data = part.data.data,
		.len = part.data.len,
		.release = outgoing_release,
		.arg = outgoing,
	};

	/* In a stream an empty RESPONSE, and an empty frame with `end`, are no message: an empty
	 * message is a DATA of its own. */
	part.end = outgoing->say.last && !part.more && !(bytes == 0 && lane->streams);
	if (!lane_stage(lanes, lane, &part, attach ? &piece : NULL))
		return STEP_WAITS_FOR_MEMORY;
	if (attach)
		outgoing->refs++;
	outgoing->sent += bytes;
	if (part.more || only_opens)
		return STEP_SAID;
	if (part.end) {
		lane_set_ended(lanes, lane);
		return STEP_ENDED;
	}
	if (outgoing->say.last)
		outgoing->say.message = false;
	else
		lane_pop(lane);
	return STEP_SAID;
}

static enum step lane_step(struct lanes *lanes, struct lane *lane)
{
	struct saying abort = {.last = true, .code = lane->abort};
	size_t left;
	size_t bytes;

	if (lane->abort != 0)
		return lane_say_end(lanes, lane, &abort);
	if (!lane->first->say.message)
		return lane_say_end(lanes, lane, &lane->first->say);
	left = saying_bytes(&lane->first->say) - lane->first->sent;
	bytes = left < lanes->chunk ? left : lanes->chunk;
	if (left > 0 && lane->credit == 0)
		return STEP_WAITS_FOR_CALL;
	if (left > 0 && lanes->credit == 0)
		return STEP_WAITS_FOR_CHANNEL;
	bytes = bytes < lane->credit ? bytes : lane->credit;
	bytes = bytes < lanes->credit ? bytes : lanes->credit;
	return lane_say_part(lanes, lane, bytes);
}

/* After a lane has spoken. */
static void lane_after(struct lanes *lanes, struct lane *lane)
{
	if (lane->first != NULL)
		lane_set_ready(lanes, lane);
	if (atomic_load(&lane->queued) <= lane->window / 2 &&
	    atomic_exchange(&lane->wants_room, false))
		lane->ops->on_room(lane);
}

static bool lanes_may_speak(const struct lanes *lanes)
{
	return lanes->ready_count > 0 && output_can_attach(lanes->output) &&
	       output_pending(lanes->output) < LANE_BATCH_BYTES;
}

/* Ends when a whole round has found only lanes that wait for the channel. */
void lanes_pump(struct lanes *lanes)
{
	unsigned waiting = 0;

	lanes->starved = false;
	while (lanes_may_speak(lanes) && waiting < lanes->ready_count) {
		struct lane *lane = TAILQ_FIRST(&lanes->ready);

		lane_clear_ready(lanes, lane);
		switch (lane_step(lanes, lane)) {
		case STEP_SAID:
			waiting = 0;
			lane_after(lanes, lane);
			break;
		case STEP_ENDED:
			waiting = 0;
			break;
		case STEP_WAITS_FOR_CALL:
			break;
		case STEP_WAITS_FOR_CHANNEL:
			waiting++;
			lane_set_ready(lanes, lane);
			break;
		case STEP_WAITS_FOR_MEMORY:
			lanes->starved = true;
			lane_set_ready(lanes, lane);
			return;
		}
	}
}
