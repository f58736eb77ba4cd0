/* A state on its way out of an instance and into one, within small windows, frame by frame. The
 * test plays the plugin at the other end of the channel. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/frame.h"
#include "plugin/state_port.h"
#include "proto/plugd.pb-c.h"
#include "tests/support/unit.h"

#define WINDOW 4000u
#define CHUNK  1000u

struct world {
	struct loop *loop;
	struct channel channel;
	struct flow flow;
	struct state_port port;
	struct frame_reader from_host;
	int peer;
	unsigned done;
	struct err why; /* code 0: it went well */
	char said[400];
};

static void on_frame(void *user, const struct frame *frame)
{
	fail_msg("the test hands frames over itself");
}

static void on_broken(void *user, const struct err *err)
{
	fail_msg("%s", err->text);
}

static const struct channel_ops channel_ops = {on_frame, on_broken};

static int set_up(void **state)
{
	struct world *world = mem_new(struct world);
	struct handshake_limits limits = handshake_default_limits();
	int ends[2];

	limits.channel_window_bytes = WINDOW;
	limits.chunk_bytes = CHUNK;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	world->loop = loop_new();
	world->peer = ends[1];
	channel_open(
		&world->channel,
		&(struct channel_opts){world->loop, ends[0], ends[0], WIRE_MAX_FRAME_BYTES, false},
		&channel_ops, world);
	frame_reader_init(&world->from_host, WIRE_MAX_FRAME_BYTES);
	flow_init(&world->flow, &limits, &limits);
	state_port_init(&world->port, &world->channel, &world->flow, 100000);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	state_port_deinit(&world->port);
	channel_close(&world->channel);
	channel_deinit(&world->channel);
	frame_reader_deinit(&world->from_host);
	close(world->peer);
	loop_turn(world->loop, false);
	loop_free(world->loop);
	free(world);
	return 0;
}

static void on_done(void *user, const struct err *why)
{
	struct world *world = user;

	world->done++;
	world->why = why ? *why : (struct err){0};
}

/* All that the host has said since the last time: "import state:1000 state_end ". */
static const char *host_said(struct world *world)
{
	enum frame_verdict verdict;
	struct frame frame;
	struct err err;
	size_t len = 0;
	size_t room;
	uint8_t *to;
	ssize_t n;

	loop_turn(world->loop, false);
	to = frame_reader_room(&world->from_host, &room);
	n = read(world->peer, to, room);
	if (n > 0)
		frame_reader_filled(&world->from_host, (size_t)n);
	world->said[0] = '\0';
	while ((verdict = frame_reader_next(&world->from_host, &frame, &err)) == FRAME_READY) {
		struct wire_bytes payload = {NULL, 0};
		const char *why;

		if (frame.kind == WIRE_STATE)
			wire_get_state(frame.body, &payload, &why);
		len += (size_t)snprintf(world->said + len, sizeof(world->said) - len,
					payload.len ? "%s:%zu " : "%s ",
					frame_kind_name(frame.kind), payload.len);
	}
	assert_int_equal(verdict, FRAME_NEEDS_MORE);
	return world->said;
}

/* The body of a STATE of so many bytes; valid until the next one. */
static struct wire_bytes piece(size_t len)
{
	static uint8_t frame[WIRE_STATE_HEAD_BOUND + 2 * CHUNK];
	size_t head = wire_put_state_head(frame, len);
	struct wire_bytes body;
	const char *why;

	memset(frame + head, 'x', len);
	assert_int_equal(wire_frame_kind((struct wire_bytes){frame + WIRE_PREFIX_BYTES,
							     head + len - WIRE_PREFIX_BYTES},
					 &body, &why),
			 WIRE_STATE);
	return body;
}

static int plugin_sends(struct world *world, size_t len, struct err *err)
{
	return state_port_on_state(&world->port, piece(len), err);
}

/* STATE_END for so many x, with what a test changes. */
static int plugin_ends(struct world *world, size_t len, size_t told, bool damaged,
		       const char *error)
{
	Plugd__V1__StateEnd end = PLUGD__V1__STATE_END__INIT;
	struct digest_stream *stream = digest_stream_new();
	struct digest digest;
	uint8_t body[600];
	struct err err;

	for (size_t i = 0; i < len; i++)
		digest_stream_add(stream, "x", 1);
	digest_stream_end(stream, &digest);
	digest.bytes[0] ^= damaged;
	end.sha256 = (ProtobufCBinaryData){sizeof(digest.bytes), digest.bytes};
	end.total_bytes = told;
	end.error = (char *)error;
	return state_port_on_state_end(
		&world->port, (struct wire_bytes){body, plugd__v1__state_end__pack(&end, body)},
		&err);
}

static int plugin_imported(struct world *world, const char *error, struct err *err)
{
	Plugd__V1__Imported imported = PLUGD__V1__IMPORTED__INIT;
	uint8_t body[600];

	imported.error = (char *)error;
	return state_port_on_imported(
		&world->port, (struct wire_bytes){body, plugd__v1__imported__pack(&imported, body)},
		err);
}

static void begin_export(struct world *world)
{
	state_port_export(&world->port, 1, on_done, world);
	assert_string_equal(host_said(world), "export ");
}

static void expect_refused(const struct world *world, const char *said)
{
	assert_int_equal(world->done, 1);
	assert_int_equal(world->why.code, ERR_PLUGIN_STATE);
	assert_non_null(strstr(world->why.text, said));
}

/* ---- out ---- */

static void an_export_longer_than_the_window_arrives_whole(void **state)
{
	struct world *world = *state;
	struct err err;
	struct state got;

	begin_export(world);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(plugin_sends(world, CHUNK, &err), 0);
		assert_string_equal(host_said(world), i % 2 ? "credit " : "");
	}
	assert_int_equal(plugin_ends(world, 10 * CHUNK, 10 * CHUNK, false, (char *)""), 0);
	assert_int_equal(world->done, 1);
	assert_int_equal(world->why.code, 0);
	got = state_port_exported(&world->port);
	assert_int_equal(got.bytes.len, 10 * CHUNK);
	assert_int_equal(got.bytes.data[10 * CHUNK - 1], 'x');
}

static void a_state_of_no_bytes_is_one(void **state)
{
	struct world *world = *state;

	begin_export(world);
	plugin_ends(world, 0, 0, false, (char *)"");
	assert_int_equal(world->done, 1);
	assert_int_equal(world->why.code, 0);
	assert_int_equal(state_port_exported(&world->port).bytes.len, 0);
}

static void what_does_not_match_its_checksum_is_refused(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	plugin_sends(world, 10, &err);
	plugin_ends(world, 10, 10, true, (char *)"");
	expect_refused(world, "checksum");
}

static void what_does_not_match_its_length_is_refused(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	plugin_sends(world, 10, &err);
	plugin_ends(world, 10, 11, false, (char *)"");
	expect_refused(world, "checksum");
}

static void an_exporter_that_gives_up_says_why(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	plugin_sends(world, 10, &err);
	plugin_ends(world, 0, 0, false, (char *)"the disk is full");
	expect_refused(world, "the disk is full");
}

static void an_export_can_follow_a_spoilt_one(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	plugin_ends(world, 0, 0, false, (char *)"not now");
	begin_export(world);
	plugin_sends(world, 10, &err);
	plugin_ends(world, 10, 10, false, (char *)"");
	assert_int_equal(world->done, 2);
	assert_int_equal(world->why.code, 0);
}

static void an_abandoned_export_is_dropped_and_keeps_its_credit(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	plugin_sends(world, CHUNK, &err);
	state_port_abandon(&world->port);
	assert_int_equal(plugin_sends(world, CHUNK, &err), 0);
	assert_string_equal(host_said(world), "credit ");
	assert_int_equal(plugin_ends(world, 0, 0, false, (char *)"given up"), 0);
	assert_int_equal(world->done, 0);
}

static void frames_that_nobody_asked_for_are_violations(void **state)
{
	struct world *world = *state;
	struct err err;

	assert_int_not_equal(plugin_sends(world, 10, &err), 0);
	assert_int_equal(err.code, ERR_PROTOCOL_STATE);
	assert_int_not_equal(plugin_ends(world, 0, 0, false, (char *)""), 0);
	assert_int_not_equal(plugin_imported(world, "", &err), 0);
	assert_int_equal(err.code, ERR_PROTOCOL_STATE);
}

static void pieces_of_the_wrong_size_are_violations(void **state)
{
	struct world *world = *state;
	struct err err;

	begin_export(world);
	assert_int_not_equal(plugin_sends(world, 0, &err), 0);
	assert_int_equal(err.code, ERR_PROTOCOL_FRAME);
	assert_int_not_equal(plugin_sends(world, CHUNK + 1, &err), 0);
	assert_int_equal(err.code, ERR_PROTOCOL_FRAME);
}

/* ---- in ---- */

static struct state state_of(const uint8_t *bytes, size_t len)
{
	return (struct state){.bytes = {bytes, len}};
}

static void an_import_keeps_to_the_window_and_goes_on_with_credit(void **state)
{
	struct world *world = *state;
	static const uint8_t bytes[5500];
	struct state whole = state_of(bytes, sizeof(bytes));
	struct err err;

	state_port_import(&world->port, 1, &whole, on_done, world);
	assert_string_equal(host_said(world),
			    "import state:1000 state:1000 state:1000 state:1000 ");
	flow_add_credit(&world->flow.send_credit, 1200);
	state_port_on_credit(&world->port);
	assert_string_equal(host_said(world), "state:1000 state:200 ");
	flow_add_credit(&world->flow.send_credit, 2000);
	state_port_on_credit(&world->port);
	assert_string_equal(host_said(world), "state:300 state_end ");
	state_port_on_credit(&world->port);
	assert_string_equal(host_said(world), "");
	assert_int_equal(plugin_imported(world, "", &err), 0);
	assert_int_equal(world->done, 1);
	assert_int_equal(world->why.code, 0);
}

static void an_import_that_is_refused_says_why(void **state)
{
	struct world *world = *state;
	struct state whole = state_of((const uint8_t *)"abc", 3);
	struct err err;

	state_port_import(&world->port, 1, &whole, on_done, world);
	assert_int_equal(plugin_imported(world, "too old for me", &err), 0);
	expect_refused(world, "too old for me");
}

static void an_answer_before_the_end_is_a_violation(void **state)
{
	struct world *world = *state;
	static const uint8_t bytes[5500];
	struct state whole = state_of(bytes, sizeof(bytes));
	struct err err;

	state_port_import(&world->port, 1, &whole, on_done, world);
	assert_int_not_equal(plugin_imported(world, "", &err), 0);
	assert_int_equal(err.code, ERR_PROTOCOL_STATE);
	state_port_break(&world->port, &err);
	expect_refused(world, "IMPORTED");
}

static void a_state_that_is_too_large_for_it_is_not_sent(void **state)
{
	struct world *world = *state;
	static const uint8_t bytes[100001];
	struct state whole = state_of(bytes, sizeof(bytes));

	state_port_import(&world->port, 1, &whole, on_done, world);
	expect_refused(world, "100001 bytes; it takes 100000");
	assert_string_equal(host_said(world), "");
}

static void an_abandoned_import_says_no_more(void **state)
{
	struct world *world = *state;
	static const uint8_t bytes[5500];
	struct state whole = state_of(bytes, sizeof(bytes));

	state_port_import(&world->port, 1, &whole, on_done, world);
	host_said(world);
	state_port_abandon(&world->port);
	flow_add_credit(&world->flow.send_credit, 4000);
	state_port_on_credit(&world->port);
	assert_string_equal(host_said(world), "");
	assert_int_equal(world->done, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_export_longer_than_the_window_arrives_whole),
		TEST(a_state_of_no_bytes_is_one),
		TEST(what_does_not_match_its_checksum_is_refused),
		TEST(what_does_not_match_its_length_is_refused),
		TEST(an_exporter_that_gives_up_says_why),
		TEST(an_export_can_follow_a_spoilt_one),
		TEST(an_abandoned_export_is_dropped_and_keeps_its_credit),
		TEST(frames_that_nobody_asked_for_are_violations),
		TEST(pieces_of_the_wrong_size_are_violations),
		TEST(an_import_keeps_to_the_window_and_goes_on_with_credit),
		TEST(an_import_that_is_refused_says_why),
		TEST(an_answer_before_the_end_is_a_violation),
		TEST(a_state_that_is_too_large_for_it_is_not_sent),
		TEST(an_abandoned_import_says_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
