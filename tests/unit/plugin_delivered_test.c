/* Whether a call that broke had reached its plugin: over real pipes and a socketpair, with a reader
 * that has read all, some or nothing, and one that is gone. "Not delivered" makes it safe to ask
 * again, so it is said only when it is certain. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "plugin/calls.h"
#include "tests/support/unit.h"

#define CALLS	   3
#define FRAME_ROOM 65536

struct side {
	struct loop *loop;
	struct channel channel;
	struct calls calls;
	int reader;	      /* the plugin's standard input */
	int talker;	      /* and output */
	bool is_over;	      /* it broke by itself */
	char told[CALLS + 1]; /* of each call: d(elivered), n(ot) */
	unsigned firsts;
};

struct owner {
	struct side *side;
	unsigned number;
};

static bool on_response(void *user, const struct wire_response *response)
{
	return true;
}

static bool on_data(void *user, const struct wire_data *data)
{
	return true;
}

static void on_writable(void *user)
{
}

static void on_broken(void *user, const struct call_break *why)
{
	struct owner *owner = user;

	owner->side->told[owner->number] = why->delivered ? 'd' : 'n';
	owner->side->firsts += why->first;
}

static const struct call_ops call_ops = {on_response, on_data, on_writable, on_broken};

static void on_frame(void *user, const struct frame *frame)
{
}

static void on_channel_broken(void *user, const struct err *err)
{
	struct side *side = user;

	side->is_over = true;
}

static const struct channel_ops channel_ops = {on_frame, on_channel_broken};

static struct side *side_new(int read_fd, int write_fd, int reader, int talker)
{
	struct handshake_limits limits = handshake_default_limits();
	struct side *side = mem_new(struct side);

	side->loop = loop_new();
	side->reader = reader;
	side->talker = talker;
	memset(side->told, '-', CALLS);
	assert_int_equal(fd_set_nonblock(read_fd, true), 0);
	assert_int_equal(fd_set_nonblock(write_fd, true), 0);
	channel_open(
		&side->channel,
		&(struct channel_opts){side->loop, read_fd, write_fd, WIRE_MAX_FRAME_BYTES, false},
		&channel_ops, side);
	calls_init(&side->calls, &side->channel, &limits, &limits);
	return side;
}

static struct side *side_of_pipes(void)
{
	int down[2], up[2];

	assert_int_equal(fd_pipe(down), 0);
	assert_int_equal(fd_pipe(up), 0);
	return side_new(up[0], down[1], down[0], up[1]);
}

static void side_free(struct side *side)
{
	channel_close(&side->channel);
	channel_deinit(&side->channel);
	calls_deinit(&side->calls);
	if (side->talker != side->reader)
		fd_close(&side->talker);
	fd_close(&side->reader);
	loop_free(side->loop);
	free(side);
}

/* Asks for so much, and lets it go out. Returns how long the frame is. */
static size_t ask(struct side *side, struct owner *owner, size_t bytes)
{
	static const uint8_t zeros[FRAME_ROOM];
	struct wire_request request = {.method = 1, .end = true, .payload = {zeros, bytes}};
	uint64_t before = channel_position(&side->channel);

	assert_non_null(outgoing_start(&side->calls.outgoing, &request, &call_ops, owner));
	loop_turn(side->loop, false);
	return (size_t)(channel_position(&side->channel) - before);
}

static void read_exactly(struct side *side, size_t bytes)
{
	static uint8_t read_here[FRAME_ROOM];

	while (bytes > 0) {
		ssize_t n = read(side->reader, read_here,
				 bytes < sizeof(read_here) ? bytes : sizeof(read_here));

		assert_true(n > 0);
		bytes -= (size_t)n;
	}
}

/* The channel goes, as it does before an instance breaks its calls. */
static void go(struct side *side)
{
	channel_close(&side->channel);
	outgoing_break_all(&side->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	assert_int_equal(outgoing_live(&side->calls.outgoing), 0);
}

/* ---- a reader that is gone ---- */

static void what_a_dead_plugin_had_not_read_was_not_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owners[CALLS] = {{side, 0}, {side, 1}, {side, 2}};
	size_t first = ask(side, &owners[0], 10);

	ask(side, &owners[1], 10);
	ask(side, &owners[2], 10);
	read_exactly(side, first);
	fd_close(&side->reader);
	go(side);
	assert_string_equal(side->told, "dnn");
	side_free(side);
}

static void a_frame_that_was_read_in_part_was_not_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	read_exactly(side, ask(side, &owner, 10) - 1);
	fd_close(&side->reader);
	go(side);
	assert_string_equal(side->told, "n--");
	side_free(side);
}

static void a_frame_that_was_read_to_its_last_byte_was_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	read_exactly(side, ask(side, &owner, 10));
	fd_close(&side->reader);
	go(side);
	assert_string_equal(side->told, "d--");
	side_free(side);
}

/* Large payload is written from where it lies: those bytes count too. */
static void a_frame_that_was_not_copied_is_counted_like_others(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owners[CALLS] = {{side, 0}, {side, 1}};
	size_t first = ask(side, &owners[0], 30000);

	ask(side, &owners[1], 20000);
	read_exactly(side, first);
	fd_close(&side->reader);
	go(side);
	assert_string_equal(side->told, "dn-");
	side_free(side);
}

/* ---- a reader that lives ---- */

static void what_somebody_can_still_read_counts_as_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	ask(side, &owner, 10);
	go(side);
	assert_string_equal(side->told, "d--");
	side_free(side);
}

static void a_grandchild_that_holds_the_pipe_can_still_read(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};
	int held = dup(side->reader);

	ask(side, &owner, 10);
	fd_close(&side->reader);
	go(side);
	assert_string_equal(side->told, "d--");
	close(held);
	side_free(side);
}

static void what_a_full_pipe_did_not_take_was_not_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owners[CALLS] = {{side, 0}, {side, 1}, {side, 2}};

	assert_true(fcntl(side->channel.write_fd, F_SETPIPE_SZ, 65536) > 0);
	ask(side, &owners[0], 40000);
	ask(side, &owners[1], 40000); /* its end did not fit */
	ask(side, &owners[2], 10);
	go(side);
	assert_string_equal(side->told, "dnn");
	side_free(side);
}

static void what_was_not_flushed_was_not_delivered(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};
	struct wire_request request = {.method = 1, .end = true};

	assert_non_null(outgoing_start(&side->calls.outgoing, &request, &call_ops, &owner));
	go(side);
	assert_string_equal(side->told, "n--");
	side_free(side);
}

static void of_a_socketpair_what_was_written_counts_as_delivered(void **state)
{
	int pair[2];
	struct side *side;
	struct owner owner;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	side = side_new(pair[0], pair[0], pair[1], pair[1]);
	owner = (struct owner){side, 0};
	ask(side, &owner, 10);
	close(side->reader);
	side->reader = side->talker = -1;
	go(side);
	assert_string_equal(side->told, "d--");
	side_free(side);
}

/* ---- a process that closes one after the other ---- */

static void the_end_of_the_output_waits_a_moment_for_that_of_the_input(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	ask(side, &owner, 10);
	fd_close(&side->talker);
	loop_turn(side->loop, true);
	assert_false(side->is_over);
	fd_close(&side->reader);
	while (!side->is_over)
		loop_turn(side->loop, true);
	go(side);
	assert_string_equal(side->told, "n--");
	side_free(side);
}

static void who_closed_the_output_alone_is_not_waited_for_long(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	ask(side, &owner, 10);
	fd_close(&side->talker);
	while (!side->is_over)
		loop_turn(side->loop, true);
	go(side);
	assert_string_equal(side->told, "d--");
	side_free(side);
}

static void nobody_is_waited_for_when_everything_was_read(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owner = {side, 0};

	read_exactly(side, ask(side, &owner, 10));
	fd_close(&side->talker);
	loop_turn(side->loop, true);
	assert_true(side->is_over);
	go(side);
	assert_string_equal(side->told, "d--");
	side_free(side);
}

/* ---- one end ---- */

static void one_of_the_calls_that_an_end_breaks_is_the_first(void **state)
{
	struct side *side = side_of_pipes();
	struct owner owners[CALLS] = {{side, 0}, {side, 1}, {side, 2}};

	for (unsigned i = 0; i < CALLS; i++)
		ask(side, &owners[i], 10);
	go(side);
	assert_string_equal(side->told, "ddd");
	assert_int_equal(side->firsts, 1);
	side_free(side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_dead_plugin_had_not_read_was_not_delivered),
		cmocka_unit_test(a_frame_that_was_read_in_part_was_not_delivered),
		cmocka_unit_test(a_frame_that_was_read_to_its_last_byte_was_delivered),
		cmocka_unit_test(a_frame_that_was_not_copied_is_counted_like_others),
		cmocka_unit_test(what_somebody_can_still_read_counts_as_delivered),
		cmocka_unit_test(a_grandchild_that_holds_the_pipe_can_still_read),
		cmocka_unit_test(what_a_full_pipe_did_not_take_was_not_delivered),
		cmocka_unit_test(what_was_not_flushed_was_not_delivered),
		cmocka_unit_test(of_a_socketpair_what_was_written_counts_as_delivered),
		cmocka_unit_test(the_end_of_the_output_waits_a_moment_for_that_of_the_input),
		cmocka_unit_test(who_closed_the_output_alone_is_not_waited_for_long),
		cmocka_unit_test(nobody_is_waited_for_when_everything_was_read),
		cmocka_unit_test(one_of_the_calls_that_an_end_breaks_is_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
