/* The framed connection, over real pipes and sockets: the test is the plugin at the other end. What
 * goes out when, what arrives how, and what is the end of it. A socket that keeps the borders of
 * writes (SOCK_SEQPACKET) shows how many there were. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/channel.h"
#include "tests/support/unit.h"

#define COPIED_BYTES  ((16u << 10) - 1) /* the largest payload that waits for the end of the turn */
#define THROUGH_BYTES (16u << 10)	/* the smallest that goes out at once */
#define PIPE_BYTES    (64 << 10)

struct world {
	struct loop *loop;
	struct channel *channel;
	int from_host; /* the plugin's ends */
	int to_host;
	char heard[400]; /* the payloads of the frames, and "broken" */
	struct err err;
	unsigned close_after; /* so many frames; 0: never */
	bool plugin_never_stops;
	unsigned frames;
};

__attribute__((format(printf, 2, 3))) static void note(struct world *world, const char *format, ...)
{
	size_t len = strlen(world->heard);
	va_list args;

	va_start(args, format);
	vsnprintf(world->heard + len, sizeof(world->heard) - len, format, args);
	va_end(args);
}

/* ---- the plugin's side ---- */

static void plugin_writes(struct world *world, const void *bytes, size_t len)
{
	assert_int_equal(fd_write_all(world->to_host, bytes, len), 0);
}

/* A DATA of call 1. */
static size_t put_frame(uint8_t *out, const char *text)
{
	struct wire_data data = {.id = 1, .payload = {(const uint8_t *)text, strlen(text)}};
	size_t head = wire_put_data_head(out, &data);

	memcpy(out + head, text, data.payload.len);
	return head + data.payload.len;
}

static size_t put_frames(uint8_t *out, const char *const *texts)
{
	size_t len = 0;

	for (; *texts; texts++)
		len += put_frame(out + len, *texts);
	return len;
}

#define FRAMES(out, ...) put_frames(out, (const char *const[]){__VA_ARGS__, NULL})

static void plugin_sends(struct world *world, const char *text)
{
	uint8_t bytes[200];

	plugin_writes(world, bytes, put_frame(bytes, text));
}

/* ---- the host's side ---- */

static void on_frame(void *user, const struct frame *frame)
{
	struct world *world = user;
	struct wire_data data;
	const char *why;

	assert_int_equal(world->err.code, 0);
	assert_int_equal(frame->kind, WIRE_DATA);
	assert_true(wire_get_data(frame->body, &data, &why));
	note(world, "%.*s ", (int)data.payload.len, (const char *)data.payload.data);
	world->frames++;
	if (world->frames == world->close_after)
		channel_close(world->channel);
	if (world->plugin_never_stops)
		plugin_sends(world, "and another thing");
}

static void on_broken(void *user, const struct err *err)
{
	struct world *world = user;

	assert_int_equal(world->err.code, 0); /* once */
	assert_false(channel_is_open(world->channel));
	world->err = *err;
	note(world, "broken ");
}

static const struct channel_ops ops = {on_frame, on_broken};

static struct world *open_world(int read_fd, int write_fd, int from_host, int to_host)
{
	struct world *world = mem_new(struct world);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_set_nonblock(read_fd, true), 0);
	assert_int_equal(fd_set_nonblock(write_fd, true), 0);
	world->loop = loop_new();
	world->from_host = from_host;
	world->to_host = to_host;
	world->channel = mem_new(struct channel);
	channel_open(
		world->channel,
		&(struct channel_opts){world->loop, read_fd, write_fd, WIRE_MAX_FRAME_BYTES, false},
		&ops, world);
	return world;
}

static int set_up_pipes(void **state)
{
	int down[2];
	int up[2];

	assert_int_equal(fd_pipe(down), 0);
	assert_int_equal(fd_pipe(up), 0);
	assert_int_equal(fcntl(down[0], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	*state = open_world(up[0], down[1], down[0], up[1]);
	return 0;
}

static int set_up_socket(void **state, int type)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	*state = open_world(pair[0], pair[0], pair[1], pair[1]);
	return 0;
}

static int set_up_stream(void **state)
{
	return set_up_socket(state, SOCK_STREAM);
}

static int set_up_packets(void **state)
{
	return set_up_socket(state, SOCK_SEQPACKET);
}

static void free_channel(struct world *world)
{
	if (!world->channel)
		return;
	channel_close(world->channel);
	channel_deinit(world->channel);
	free(world->channel);
	world->channel = NULL;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	free_channel(world);
	if (world->from_host == world->to_host)
		world->from_host = -1;
	fd_close(&world->to_host);
	fd_close(&world->from_host);
	loop_free(world->loop);
	free(world);
	return 0;
}

static void turn_until_broken(struct world *world)
{
	while (world->err.code == 0)
		loop_turn(world->loop, true);
}

static void queue_text(struct world *world, const char *text)
{
	buf_append(channel_queue(world->channel), text, strlen(text));
	channel_queued(world->channel);
}

/* What one write of the host carried; 0: it hasn't written. */
static size_t written_at_once(struct world *world)
{
	static uint8_t bytes[256 << 10];
	ssize_t len = recv(world->from_host, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len < 0)
		assert_int_equal(errno, EAGAIN);
	return len < 0 ? 0 : (size_t)len;
}

/* Bytes that differ wherever one is lost, doubled or moved. */
static uint8_t *pattern_new(size_t len)
{
	uint8_t *bytes = mem_alloc(len);
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
	return bytes;
}

/* ---- in ---- */

static void frames_arrive_in_order_however_they_were_written(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];
	size_t len = FRAMES(bytes, "one", "two", "three");

	plugin_writes(world, bytes, len - 2);
	loop_turn(world->loop, true);
	assert_string_equal(world->heard, "one two ");
	plugin_writes(world, bytes + len - 2, 2);
	loop_turn(world->loop, true);
	assert_string_equal(world->heard, "one two three ");
	plugin_writes(world, bytes, len);
	loop_turn(world->loop, true);
	assert_string_equal(world->heard, "one two three one two three ");
}

static void the_end_between_frames_means_that_it_is_gone(void **state)
{
	struct world *world = *state;

	plugin_sends(world, "last");
	fd_close(&world->to_host);
	turn_until_broken(world);
	assert_string_equal(world->heard, "last broken ");
	assert_int_equal(world->err.code, ERR_PLUGIN_GONE);
	assert_string_equal(world->err.text, "it closed its output");
}

static void the_end_inside_a_frame_is_a_violation(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];

	FRAMES(bytes, "whole");
	plugin_writes(world, bytes, 7);
	fd_close(&world->to_host);
	turn_until_broken(world);
	assert_string_equal(world->heard, "broken ");
	assert_int_equal(world->err.code, ERR_PROTOCOL_FRAME);
	assert_string_equal(world->err.text, "it closed its output after 7 bytes of a frame");
}

static void garbage_is_quoted_after_the_frames_before_it(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];
	size_t len = FRAMES(bytes, "good");

	memcpy(bytes + len, "Hello, world\n", 13);
	plugin_writes(world, bytes, len + 13);
	turn_until_broken(world);
	assert_string_equal(world->heard, "good broken ");
	assert_int_equal(world->err.code, ERR_PROTOCOL_FRAME);
	assert_non_null(strstr(world->err.text, "\"Hello, world.\""));
	assert_int_equal(write(world->to_host, "x", 1), -1); /* nobody reads it any more */
	assert_int_equal(errno, EPIPE);
}

static void closing_from_within_a_frame_stops_the_delivery(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];

	world->close_after = 2;
	plugin_writes(world, bytes, FRAMES(bytes, "one", "two", "three"));
	plugin_writes(world, "garbage", 7);
	loop_turn(world->loop, true);
	loop_turn(world->loop, false);
	assert_string_equal(world->heard, "one two ");
	assert_false(channel_is_open(world->channel));
}

/* ---- out ---- */

static void what_is_queued_in_a_turn_goes_out_in_one_write_at_its_end(void **state)
{
	struct world *world = *state;
	uint8_t payload[1000] = {0};

	queue_text(world, "one");
	queue_text(world, "two");
	channel_send_payload(world->channel, (struct wire_bytes){payload, sizeof(payload)});
	queue_text(world, "three");
	assert_int_equal(channel_backlog(world->channel), 3 + 3 + 1000 + 5);
	assert_int_equal(written_at_once(world), 0);
	loop_turn(world->loop, false);
	assert_int_equal(written_at_once(world), 3 + 3 + 1000 + 5);
	assert_int_equal(written_at_once(world), 0);
	assert_int_equal(channel_backlog(world->channel), 0);
}

static void only_a_large_payload_is_written_from_where_it_lies(void **state)
{
	struct world *world = *state;
	uint8_t *payload = pattern_new(THROUGH_BYTES);

	queue_text(world, "head");
	channel_send_payload(world->channel, (struct wire_bytes){payload, COPIED_BYTES});
	assert_int_equal(written_at_once(world), 0);
	loop_turn(world->loop, false);
	assert_int_equal(written_at_once(world), 4 + COPIED_BYTES);
	queue_text(world, "head");
	channel_send_payload(world->channel, (struct wire_bytes){payload, THROUGH_BYTES});
	assert_int_equal(channel_backlog(world->channel), 0);
	assert_int_equal(written_at_once(world), 4 + THROUGH_BYTES);
	loop_turn(world->loop, false);
	assert_int_equal(written_at_once(world), 0);
	free(payload);
}

/* Reads until all of it has come; the host writes the rest by itself whenever there is room. */
static void expect_bytes(struct world *world, const uint8_t *expected, size_t len)
{
	uint8_t *got = mem_alloc(len);
	size_t done = 0;

	assert_int_equal(fd_set_nonblock(world->from_host, true), 0);
	while (done < len) {
		ssize_t n = read(world->from_host, got + done, len - done);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		assert_true(channel_backlog(world->channel) > 0);
		loop_turn(world->loop, true);
	}
	assert_memory_equal(got, expected, len);
	assert_int_equal(channel_backlog(world->channel), 0);
	free(got);
}

static void a_full_pipe_loses_nothing_and_keeps_the_order(void **state)
{
	struct world *world = *state;
	uint8_t *bytes = pattern_new(1 << 20);
	size_t total = 0;

	/* Pieces of 1 byte to 60012, every other one as a payload, with some turns in between. */
	for (size_t piece = 1, i = 0; total + piece <= 1 << 20; piece = piece * 7 % 60013, i++) {
		struct wire_bytes payload = {bytes + total, piece};

		if (i % 2 == 0)
			channel_send_payload(world->channel, payload);
		else
			buf_append(channel_queue(world->channel), payload.data, payload.len);
		channel_queued(world->channel);
		total += piece;
		if (i % 5 == 0)
			loop_turn(world->loop, false);
	}
	expect_bytes(world, bytes, total);
	free(bytes);
}

/* So many bytes queued, then so many as a payload: the pipe takes its fill, the rest is kept. */
static void the_rest_of_a_payload_is_kept_wherever_the_pipe_ends(void **state)
{
	static const struct {
		size_t queued;
		size_t payload;
	} rows[] = {
		{0, 100000},			 /* in the payload */
		{5000, 100000},			 /* in the payload, after the queue */
		{PIPE_BYTES, THROUGH_BYTES},	 /* between the two */
		{PIPE_BYTES * 2, THROUGH_BYTES}, /* in the queue */
	};
	struct world *world = *state;
	uint8_t *bytes = pattern_new(200000);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t total = rows[i].queued + rows[i].payload;

		buf_append(channel_queue(world->channel), bytes, rows[i].queued);
		channel_send_payload(world->channel,
				     (struct wire_bytes){bytes + rows[i].queued, rows[i].payload});
		assert_int_equal(channel_backlog(world->channel), total - PIPE_BYTES);
		loop_turn(world->loop, false);
		assert_int_equal(channel_backlog(world->channel), total - PIPE_BYTES);
		expect_bytes(world, bytes, total);
	}
	free(bytes);
}

static void nothing_overtakes_what_a_full_pipe_holds_up(void **state)
{
	struct world *world = *state;
	uint8_t *bytes = pattern_new(200000);

	buf_append(channel_queue(world->channel), bytes, 100000);
	channel_queued(world->channel);
	loop_turn(world->loop, false);
	assert_int_equal(channel_backlog(world->channel), 100000 - PIPE_BYTES);
	assert_int_equal(read(world->from_host, bytes, PIPE_BYTES), PIPE_BYTES); /* room again */
	channel_send_payload(world->channel, (struct wire_bytes){bytes + 100000, 100000});
	expect_bytes(world, bytes + PIPE_BYTES, 200000 - PIPE_BYTES);
	free(bytes);
}

static void a_socket_carries_both_ways_while_it_is_full(void **state)
{
	struct world *world = *state;
	uint8_t *bytes = pattern_new(1 << 20);

	channel_send_payload(world->channel, (struct wire_bytes){bytes, 1 << 20});
	loop_turn(world->loop, false);
	assert_true(channel_backlog(world->channel) > 0);
	plugin_sends(world, "meanwhile");
	loop_turn(world->loop, true);
	assert_string_equal(world->heard, "meanwhile ");
	expect_bytes(world, bytes, 1 << 20);
	plugin_sends(world, "afterwards");
	loop_turn(world->loop, true);
	assert_string_equal(world->heard, "meanwhile afterwards ");
	free(bytes);
}

static void a_plugin_that_closed_its_input_is_gone(void **state)
{
	struct world *world = *state;

	fd_close(&world->from_host);
	queue_text(world, "hello");
	loop_turn(world->loop, false);
	assert_string_equal(world->heard, "broken ");
	assert_int_equal(world->err.code, ERR_PLUGIN_GONE);
	assert_string_equal(world->err.text, "writing to it failed: Broken pipe");
}

static void the_last_words_of_a_plugin_that_closed_its_input_are_heard(void **state)
{
	struct world *world = *state;

	plugin_sends(world, "last");
	plugin_sends(world, "words");
	fd_close(&world->from_host);
	queue_text(world, "hello");
	loop_turn(world->loop, false);
	assert_string_equal(world->heard, "last words broken ");
	assert_string_equal(world->err.text, "writing to it failed: Broken pipe");
}

/* ---- the end ---- */

static void closing_twice_closes_each_descriptor_once(void **state)
{
	struct world *world = *state;
	int before = fd_count();
	int read_fd = world->channel->read_fd;
	int other;

	queue_text(world, "never written");
	channel_close(world->channel);
	assert_false(channel_is_open(world->channel));
	assert_int_equal(fd_count(), before - (world->from_host == world->to_host ? 1 : 2));
	other = fcntl(world->to_host, F_DUPFD_CLOEXEC, read_fd); /* takes the number */
	assert_int_equal(other, read_fd);
	channel_close(world->channel);
	assert_true(fcntl(other, F_GETFD) >= 0);
	fd_close(&other);
	loop_turn(world->loop, false);
	assert_int_equal(read(world->from_host, (char[1]){0}, 1), 0);
	assert_string_equal(world->heard, "");
}

static void a_channel_can_go_in_the_turn_in_which_something_was_queued(void **state)
{
	struct world *world = *state;

	queue_text(world, "never written");
	free_channel(world);
	loop_turn(world->loop, false);
	assert_int_equal(read(world->from_host, (char[1]){0}, 1), 0);
}

static void what_is_said_after_the_close_goes_nowhere(void **state)
{
	struct world *world = *state;
	uint8_t *bytes = pattern_new(THROUGH_BYTES);

	channel_close(world->channel);
	queue_text(world, "too late");
	channel_send_payload(world->channel, (struct wire_bytes){bytes, THROUGH_BYTES});
	free_channel(world);
	loop_turn(world->loop, false);
	assert_int_equal(read(world->from_host, (char[1]){0}, 1), 0);
	free(bytes);
}

static void the_rest_is_read_up_to_the_end(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];

	plugin_writes(world, bytes, FRAMES(bytes, "one", "two"));
	channel_read_rest(world->channel);
	assert_string_equal(world->heard, "one two "); /* and more may come */
	assert_true(channel_is_open(world->channel));
	plugin_writes(world, bytes, FRAMES(bytes, "three"));
	fd_close(&world->to_host);
	channel_read_rest(world->channel);
	assert_string_equal(world->heard, "one two three broken ");
	channel_read_rest(world->channel);
	assert_int_equal(world->frames, 3);
}

static void a_full_pipe_is_read_to_its_last_frame(void **state)
{
	struct world *world = *state;
	uint8_t bytes[200];
	size_t len = FRAMES(bytes, "x");
	unsigned count = 0;

	assert_int_equal(fd_set_nonblock(world->to_host, true), 0);
	while (write(world->to_host, bytes, len) == (ssize_t)len)
		count++;
	channel_read_rest(world->channel);
	assert_int_equal(world->frames, count);
}

/* Somebody else may still hold the other end of a process that has ended: a child of its own that
 * left its group. */
static void whoever_never_stops_talking_is_not_heard_out(void **state)
{
	struct world *world = *state;

	world->plugin_never_stops = true;
	plugin_sends(world, "one thing");
	channel_read_rest(world->channel);
	assert_true(world->frames > 0);
}

#define WITH(setup, name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(set_up_pipes, frames_arrive_in_order_however_they_were_written),
		WITH(set_up_stream, frames_arrive_in_order_however_they_were_written),
		WITH(set_up_pipes, the_end_between_frames_means_that_it_is_gone),
		WITH(set_up_pipes, the_end_inside_a_frame_is_a_violation),
		WITH(set_up_pipes, garbage_is_quoted_after_the_frames_before_it),
		WITH(set_up_pipes, closing_from_within_a_frame_stops_the_delivery),
		WITH(set_up_packets, what_is_queued_in_a_turn_goes_out_in_one_write_at_its_end),
		WITH(set_up_packets, only_a_large_payload_is_written_from_where_it_lies),
		WITH(set_up_pipes, a_full_pipe_loses_nothing_and_keeps_the_order),
		WITH(set_up_stream, a_full_pipe_loses_nothing_and_keeps_the_order),
		WITH(set_up_pipes, the_rest_of_a_payload_is_kept_wherever_the_pipe_ends),
		WITH(set_up_pipes, nothing_overtakes_what_a_full_pipe_holds_up),
		WITH(set_up_stream, a_socket_carries_both_ways_while_it_is_full),
		WITH(set_up_pipes, a_plugin_that_closed_its_input_is_gone),
		WITH(set_up_pipes, the_last_words_of_a_plugin_that_closed_its_input_are_heard),
		WITH(set_up_pipes, closing_twice_closes_each_descriptor_once),
		WITH(set_up_stream, closing_twice_closes_each_descriptor_once),
		WITH(set_up_pipes, a_channel_can_go_in_the_turn_in_which_something_was_queued),
		WITH(set_up_pipes, what_is_said_after_the_close_goes_nowhere),
		WITH(set_up_pipes, the_rest_is_read_up_to_the_end),
		WITH(set_up_pipes, a_full_pipe_is_read_to_its_last_frame),
		WITH(set_up_pipes, whoever_never_stops_talking_is_not_heard_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
