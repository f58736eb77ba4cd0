/* Both ends of one channel, over a socketpair. */
#include "tests/support/calls_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/unit.h"

/* ---- the host's side ---- */

__attribute__((format(printf, 2, 3))) static void note(struct world *world, const char *format, ...)
{
	size_t len = strlen(world->heard);
	va_list args;

	va_start(args, format);
	vsnprintf(world->heard + len, sizeof(world->heard) - len, format, args);
	va_end(args);
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct world *world = user;

	note(world, "response(%u,%zu)%s ", response->code, response->payload.len,
	     response->end ? "!" : "");
	return world->consumes;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct world *world = user;

	note(world, "data(%zu)%s ", data->payload.len, data->end ? "!" : "");
	return world->consumes;
}

static void on_writable(void *user)
{
	note(user, "writable ");
}

static void on_broken(void *user, const struct call_break *why)
{
	if (why->kind == CALL_GONE)
		note(user, "gone! ");
	else
		note(user, "aborted(%u)! ", why->code);
}

static const struct call_ops ops = {on_response, on_data, on_writable, on_broken};

static void on_frame(void *user, const struct frame *frame)
{
	struct world *world = user;

	if (calls_on_frame(&world->calls, frame, &world->violation) < 0)
		channel_close(&world->channel);
}

static void on_channel_broken(void *user, const struct err *err)
{
	struct world *world = user;

	world->violation = *err;
}

static void on_request(void *user, const struct wire_request *request)
{
	struct world *world = user;

	world->incoming_id = request->id;
}

static void on_room(void *user)
{
	struct world *world = user;

	outgoing_on_room(&world->calls.outgoing);
}

static const struct channel_ops channel_ops = {on_frame, on_channel_broken, on_room};

int calls_world_setup(void **state)
{
	struct world *world = mem_new(struct world);
	struct handshake_limits limits = {.max_frame_bytes = WIRE_MAX_FRAME_BYTES,
					  .chunk_bytes = CHUNK,
					  .call_window_bytes = CALL_WINDOW,
					  .channel_window_bytes = CHANNEL_WINDOW,
					  .max_calls = 4,
					  .max_message_bytes = 1 << 20};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	world->loop = loop_new();
	world->peer = pair[1];
	world->consumes = true;
	channel_open(
		&world->channel,
		&(struct channel_opts){world->loop, pair[0], pair[0], WIRE_MAX_FRAME_BYTES, false},
		&channel_ops, world);
	calls_init(&world->calls, &world->channel, &limits, &limits);
	world->calls.incoming.on_request = on_request;
	world->calls.incoming.user = world;
	frame_reader_init(&world->from_host, WIRE_MAX_FRAME_BYTES);
	*state = world;
	return 0;
}

int calls_world_teardown(void **state)
{
	struct world *world = *state;

	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	channel_close(&world->channel);
	channel_deinit(&world->channel);
	calls_deinit(&world->calls);
	frame_reader_deinit(&world->from_host);
	close(world->peer);
	loop_free(world->loop);
	free(world);
	return 0;
}

void widen(struct world *world)
{
	struct handshake_limits limits = handshake_default_limits();
	int socket_bytes = 1 << 20; /* the kernel grants less, but more than it does unasked */

	setsockopt(world->channel.write_fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes,
		   sizeof(socket_bytes));
	calls_deinit(&world->calls);
	calls_init(&world->calls, &world->channel, &limits, &limits);
}

struct call *start(struct world *world, size_t payload_bytes, bool end)
{
	static const uint8_t zeros[20000];
	struct wire_request request = {.method = 7, .end = end, .payload = {zeros, payload_bytes}};

	world->call = outgoing_start(&world->calls.outgoing, &request, &ops, world);
	return world->call;
}

/* ---- the plugin's side ---- */

/* Everything that the host has said since the last time, as words. */
const char *host_said(struct world *world)
{
	static char said[600];
	enum frame_verdict verdict;
	struct frame frame;
	struct err err;
	ssize_t n;

	loop_turn(world->loop, false);
	said[0] = '\0';
	do {
		size_t room;
		uint8_t *to = frame_reader_room(&world->from_host, &room);

		n = read(world->peer, to, room);
		if (n > 0)
			frame_reader_filled(&world->from_host, (size_t)n);
		while ((verdict = frame_reader_next(&world->from_host, &frame, &err)) ==
		       FRAME_READY) {
			size_t at = strlen(said);
			struct wire_request request;
			struct wire_response response;
			struct wire_data data;
			struct wire_cancel cancel;
			struct wire_credit credit;
			const char *why;

			if (frame.kind == WIRE_REQUEST &&
			    wire_get_request(frame.body, &request, &why))
				snprintf(said + at, sizeof(said) - at, "request(%zu%s%s) ",
					 request.payload.len, request.more ? "+" : "",
					 request.end ? "!" : "");
			else if (frame.kind == WIRE_RESPONSE &&
				 wire_get_response(frame.body, &response, &why))
				snprintf(said + at, sizeof(said) - at, "response(%u,%u) ",
					 response.id, response.code);
			else if (frame.kind == WIRE_DATA && wire_get_data(frame.body, &data, &why))
				snprintf(said + at, sizeof(said) - at, "data(%zu%s%s) ",
					 data.payload.len, data.more ? "+" : "",
					 data.end ? "!" : "");
			else if (frame.kind == WIRE_CANCEL &&
				 wire_get_cancel(frame.body, &cancel, &why))
				snprintf(said + at, sizeof(said) - at, "cancel(%u) ", cancel.code);
			else if (frame.kind == WIRE_CREDIT &&
				 wire_get_credit(frame.body, &credit, &why))
				snprintf(said + at, sizeof(said) - at, "credit(%s%u) ",
					 credit.id ? "call " : "", credit.bytes);
		}
	} while (n > 0);
	return said;
}

void plugin_sends(struct world *world, const void *bytes, size_t len)
{
	assert_int_equal(write(world->peer, bytes, len), (ssize_t)len);
	for (int i = 0; i < 4; i++)
		loop_turn(world->loop, false);
}

void plugin_responds(struct world *world, uint32_t id, uint32_t code, size_t len, bool end)
{
	static uint8_t out[20000];
	struct wire_response response = {.id = id, .code = code, .end = end, .payload = {out, len}};
	size_t head = wire_put_response_head(out, &response);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

void plugin_sends_data(struct world *world, uint32_t id, size_t len, bool end)
{
	static uint8_t out[20000];
	struct wire_data data = {.id = id, .end = end, .payload = {out, len}};
	size_t head = wire_put_data_head(out, &data);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

void plugin_cancels(struct world *world, uint32_t id, uint32_t code)
{
	uint8_t out[WIRE_CANCEL_BOUND];
	struct wire_cancel cancel = {.id = id, .code = code};

	plugin_sends(world, out, wire_put_cancel(out, &cancel));
}

void plugin_gives_credit(struct world *world, uint32_t id, uint32_t bytes)
{
	uint8_t out[WIRE_CREDIT_BOUND];
	struct wire_credit credit = {id, bytes};

	plugin_sends(world, out, wire_put_credit(out, &credit));
}

void plugin_calls(struct world *world, uint32_t id, size_t len, bool more, bool end)
{
	static uint8_t out[20000];
	struct wire_request request = {
		.id = id, .method = 1, .more = more, .end = end, .payload = {out, len}};
	size_t head = wire_put_request_head(out, &request);

	memset(out + head, 'x', len);
	plugin_sends(world, out, head + len);
}

uint32_t live(const struct world *world)
{
	return outgoing_live(&world->calls.outgoing);
}
