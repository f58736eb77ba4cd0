/* A plugin that says anything at all: each of its frames is taken, ignored or a violation, in every
 * state, and the calls on its channel stay in order. The first byte chooses the state and how the
 * bytes are cut into reads. */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "plugin/calls.h"
#include "plugin/health.h"
#include "plugin/rules.h"

#define SMALL_WINDOW 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct channel channel;
	struct calls calls;
	struct frame_reader reader;
	enum instance_state state;
	unsigned owned; /* calls that still expect their last word */
	bool failed;
};

static void expect_owned(struct world *world, bool last)
{
	assert(world->owned > 0);
	world->owned -= last;
}

static bool on_response(void *user, const struct wire_response *response)
{
	expect_owned(user, response->end);
	return true;
}

static bool on_data(void *user, const struct wire_data *data)
{
	expect_owned(user, data->end);
	return data->payload.len % 2 == 0;
}

static void on_writable(void *user)
{
	expect_owned(user, false);
}

static void on_call_broken(void *user, const struct call_break *why)
{
	expect_owned(user, true);
}

static const struct call_ops call_ops = {on_response, on_data, on_writable, on_call_broken};

static void on_request(void *user, const struct wire_request *request)
{
	struct world *world = user;

	incoming_answer(&world->calls.incoming, request->id,
			&(struct incoming_answer){.payload = request->payload});
}

/* The bytes are fed below, not read. */
static void ignore_frame(void *user, const struct frame *frame)
{
}

static void ignore_end(void *user, const struct err *err)
{
}

static const struct channel_ops channel_ops = {ignore_frame, ignore_end};

static void take_welcome(struct world *world, struct wire_bytes body, struct err *err)
{
	struct handshake_welcome welcome;

	world->failed = handshake_take_welcome(body, &welcome, err) < 0;
	if (!world->failed)
		manifest_release(welcome.manifest);
}

static void take_pong(struct world *world, struct wire_bytes body, struct err *err)
{
	struct health_report report;

	world->failed = health_report_take(body, &report, err) < 0;
	assert(world->failed || report.news != HEALTH_SILENT);
}

static void take_frame(struct world *world, const struct frame *frame)
{
	struct err err = {0};
	char reason[64];

	if (calls_is_frame(frame->kind))
		world->failed = calls_on_frame(&world->calls, frame, &err) < 0;
	else if (frame->kind == WIRE_WELCOME)
		take_welcome(world, frame->body, &err);
	else if (frame->kind == WIRE_PONG)
		take_pong(world, frame->body, &err);
	else if (frame->kind == WIRE_FAILED)
		handshake_take_failed(frame->body, reason, sizeof(reason));
	assert(!world->failed || (err.code && err.text[0]));
}

static void take_frames(struct world *world)
{
	struct frame frame;
	struct err err;

	while (!world->failed) {
		switch (frame_reader_next(&world->reader, &frame, &err)) {
		case FRAME_NEEDS_MORE:
			return;
		case FRAME_BAD:
			world->failed = true;
			return;
		case FRAME_READY:
			break;
		}
		switch (rules_check(world->state, frame.kind, FEATURE_UNKNOWN_FRAMES)) {
		case RULES_ACCEPT:
			take_frame(world, &frame);
			break;
		case RULES_IGNORE:
			break;
		case RULES_REFUSE:
			world->failed = true;
			break;
		}
	}
}

static struct call *start_call(struct world *world, size_t bytes, bool end)
{
	static const uint8_t zeros[SMALL_WINDOW * 3];
	struct wire_request request = {.method = 1, .end = end, .payload = {zeros, bytes}};
	struct call *call = outgoing_start(&world->calls.outgoing, &request, &call_ops, world);

	world->owned++;
	return call;
}

/* One call that waits for its answer, one that streams, one that waits for credit, and one that was
 * cancelled. */
static void open_world(struct world *world, struct loop *loop)
{
	struct handshake_limits limits = handshake_default_limits();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	limits.call_window_bytes = limits.channel_window_bytes = SMALL_WINDOW;
	channel_open(&world->channel,
		     &(struct channel_opts){loop, null, null, WIRE_MIN_FRAME_BYTES, false},
		     &channel_ops, world);
	calls_init(&world->calls, &world->channel, &limits, &limits);
	world->calls.incoming.on_request = on_request;
	world->calls.incoming.user = world;
	frame_reader_init(&world->reader, WIRE_MIN_FRAME_BYTES);
	start_call(world, 10, true);
	start_call(world, 0, false);
	start_call(world, SMALL_WINDOW * 2, true);
	outgoing_cancel(&world->calls.outgoing, start_call(world, 0, true), 1, (struct str){0}, 0);
	world->owned--;
}

static void close_world(struct world *world, struct loop *loop)
{
	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	assert(world->owned == 0);
	channel_close(&world->channel);
	loop_turn(loop, false);
	channel_deinit(&world->channel);
	calls_deinit(&world->calls);
	frame_reader_deinit(&world->reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct loop *loop;
	struct world world = {0};

	if (size == 0)
		return 0;
	if (!loop)
		loop = loop_new();
	open_world(&world, loop);
	world.state = INSTANCE_GREETING + data[0] % 4;
	size_t step = 1 + (data[0] >> 2) * (size_t)16;
	for (size_t at = 1; at < size && !world.failed;) {
		size_t room, len = size - at < step ? size - at : step;
		uint8_t *to = frame_reader_room(&world.reader, &room);

		len = len < room ? len : room;
		memcpy(to, data + at, len);
		frame_reader_filled(&world.reader, len);
		take_frames(&world);
		at += len;
	}
	close_world(&world, loop);
	return 0;
}
