/* The calls on one channel, as conversations: the test plays the plugin at the other end of a
 * socketpair. What the host must say, and what it must not. */
#include <unistd.h>

#include "observe/errors.h"
#include "tests/support/calls_world.h"
#include "tests/support/unit.h"

/* ---- one call ---- */

static void a_small_call_is_one_frame_each_way(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 64, true);

	assert_string_equal(host_said(world), "request(64!) ");
	plugin_responds(world, call->id, 0, 10, true);
	assert_string_equal(world->heard, "response(0,10)! ");
	assert_string_equal(host_said(world), "");
	assert_int_equal(live(world), 0);
}

static void ids_are_odd_and_differ_when_a_slot_is_used_again(void **state)
{
	struct world *world = *state;
	uint32_t first = start(world, 0, true)->id;
	uint32_t second;

	plugin_responds(world, first, 0, 0, true);
	second = start(world, 0, true)->id;
	assert_int_equal(first % 2, 1);
	assert_int_equal(second % 2, 1);
	assert_int_not_equal(first, second);
}

static void a_plugin_that_has_all_the_calls_it_takes_gets_no_more(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 4; i++)
		assert_non_null(start(world, 0, true));
	assert_null(start(world, 0, true));
}

static void a_stream_comes_in_order_and_ends(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	plugin_responds(world, call->id, 0, 5, false);
	plugin_sends_data(world, call->id, 6, false);
	plugin_sends_data(world, call->id, 0, true);
	assert_string_equal(world->heard, "response(0,5) data(6) data(0)! ");
	assert_int_equal(live(world), 0);
}

static void an_answer_that_is_taken_back_breaks_the_call(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	plugin_responds(world, call->id, 0, 5, false);
	plugin_cancels(world, call->id, 15);
	assert_string_equal(world->heard, "response(0,5) aborted(15)! ");
	assert_int_equal(live(world), 0);
}

static void an_early_answer_ends_what_was_still_to_be_sent(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 10, false);

	assert_string_equal(host_said(world), "request(10) ");
	plugin_responds(world, call->id, 9, 0, true);
	assert_string_equal(world->heard, "response(9,0)! ");
	assert_string_equal(host_said(world), "cancel(1) ");
	assert_int_equal(live(world), 0);
}

static void when_the_channel_goes_every_call_hears_it_once(void **state)
{
	struct world *world = *state;

	start(world, 0, true);
	start(world, 0, false);
	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	assert_string_equal(world->heard, "gone! gone! ");
	assert_int_equal(live(world), 0);
}

/* ---- windows of the plugin ---- */

static void a_large_message_goes_in_chunks_as_far_as_the_window(void **state)
{
	struct world *world = *state;

	start(world, 4500, true);
	assert_string_equal(host_said(world),
			    "request(1000+) data(1000+) data(1000+) data(1000+) ");
	plugin_gives_credit(world, world->call->id, 4000);
	assert_string_equal(host_said(world), "data(500!) ");
	assert_string_equal(world->heard, "writable ");
}

static void the_channels_window_binds_all_calls_together(void **state)
{
	struct world *world = *state;
	struct call *first = start(world, 4000, true);
	struct call *second;

	host_said(world);
	second = start(world, 4000, true);
	assert_string_equal(host_said(world), "request(1000+) data(1000+) ");
	plugin_gives_credit(world, 0, 500);
	assert_string_equal(host_said(world), "data(500+) ");
	plugin_responds(world, first->id, 0, 0, true);
	plugin_gives_credit(world, 0, 6000);
	assert_string_equal(host_said(world), "data(1000+) data(500!) ");
	plugin_responds(world, second->id, 0, 0, true);
	assert_int_equal(live(world), 0);
}

static void a_small_call_overtakes_a_large_one_that_waits(void **state)
{
	struct world *world = *state;

	start(world, 10000, true);
	host_said(world);
	start(world, 64, true);
	assert_string_equal(host_said(world), "request(64!) ");
}

static void waiting_calls_take_turns(void **state)
{
	struct world *world = *state;

	start(world, 4000, true);
	host_said(world);
	start(world, 4000, true);
	start(world, 4000, true);
	host_said(world);
	/* 2000 + 0 were sent; the second and the third wait for the channel */
	plugin_gives_credit(world, 0, 4000);
	assert_string_equal(host_said(world), "data(1000+) data(1000+) data(1000!) data(1000+) ");
}

static void what_is_sent_piece_by_piece_keeps_its_boundaries(void **state)
{
	static const uint8_t zeros[3000];
	struct world *world = *state;
	struct call *call = start(world, 3500, false);
	struct outgoing *outgoing = &world->calls.outgoing;

	host_said(world);
	assert_false(outgoing_send(outgoing, call, (struct wire_bytes){zeros, 700}, false, false));
	assert_false(outgoing_send(outgoing, call, (struct wire_bytes){zeros, 20}, false, true));
	assert_string_equal(host_said(world), "data(500+) ");
	plugin_gives_credit(world, call->id, 210);
	assert_string_equal(host_said(world), "data(200) data(10+) ");
	plugin_gives_credit(world, call->id, 210);
	assert_string_equal(host_said(world), "data(10!) ");
}

/* ---- the channel's room ---- */

#define BODIES	    8u
#define QUEUE_BYTES (256u << 10)

/* Reads all that comes, and returns how much of it was DATA. */
static size_t take_data(struct world *world)
{
	size_t taken = 0;
	ssize_t n;

	do {
		size_t room;
		uint8_t *to = frame_reader_room(&world->from_host, &room);
		struct frame frame;
		struct err err;

		n = read(world->peer, to, room);
		if (n > 0)
			frame_reader_filled(&world->from_host, (size_t)n);
		while (frame_reader_next(&world->from_host, &frame, &err) == FRAME_READY) {
			struct wire_data data;
			const char *why;

			if (frame.kind == WIRE_DATA && wire_get_data(frame.body, &data, &why))
				taken += data.payload.len;
		}
		loop_turn(world->loop, false);
	} while (n > 0);
	return taken;
}

static void a_small_call_stands_behind_a_pipe_s_worth_however_many_bodies_there_are(void **state)
{
	static const uint8_t zeros[WIRE_CHUNK_BYTES];
	struct world *world = *state;
	size_t sent = 0;

	widen(world);
	for (unsigned i = 0; i < BODIES; i++) {
		struct call *call = start(world, 0, false);

		do
			sent += sizeof(zeros);
		while (outgoing_send(&world->calls.outgoing, call,
				     (struct wire_bytes){zeros, sizeof(zeros)}, false, false) &&
		       sent < (i + 1) * WIRE_CALL_WINDOW_BYTES);
	}
	start(world, 64, true);
	assert_true(channel_backlog(&world->channel) < QUEUE_BYTES + WIRE_CHUNK_BYTES + 4096);
	loop_turn(world->loop, false);
	assert_int_equal(take_data(world), sent);
}

static void room_that_sending_makes_is_room_for_those_who_wait(void **state)
{
	static const uint8_t zeros[1000];
	const struct wire_bytes piece = {zeros, sizeof(zeros)};
	struct world *world = *state;
	struct outgoing *outgoing = &world->calls.outgoing;
	int pieces = 200;
	struct call *call;

	widen(world);
	call = start(world, 0, false);
	for (int i = 0; i < pieces; i++)
		assert_true(outgoing_send(outgoing, call, piece, false, false));
	call = start(world, 0, false);
	do
		pieces++;
	while (outgoing_send(outgoing, call, piece, false, false));
	start(world, 20000, true); /* so large that it takes the queue with it */
	assert_int_equal(channel_backlog(&world->channel), 0);
	loop_turn(world->loop, false);
	assert_int_equal(take_data(world), pieces * sizeof(zeros));
	assert_string_equal(world->heard, "writable ");
}

/* ---- our windows ---- */

static void credit_comes_back_in_halves_of_a_window(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	host_said(world);
	plugin_responds(world, call->id, 0, 1000, false);
	assert_string_equal(host_said(world), "");
	plugin_sends_data(world, call->id, 1000, false);
	assert_string_equal(host_said(world), "credit(call 2000) ");
	plugin_sends_data(world, call->id, 1000, false);
	assert_string_equal(host_said(world), "credit(3000) ");
}

static void the_channel_carries_more_than_its_window_in_the_long_run(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 20; i++)
		plugin_responds(world, start(world, 0, true)->id, 0, 1000, true);
	assert_int_equal(world->violation.code, 0);
	assert_int_equal(live(world), 0);
}

static void what_is_not_consumed_gives_the_channel_credit_but_not_the_call(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	host_said(world);
	world->consumes = false;
	plugin_responds(world, call->id, 0, 1000, false);
	plugin_sends_data(world, call->id, 2000, false);
	assert_string_equal(host_said(world), "credit(3000) ");
	outgoing_consumed(&world->calls.outgoing, call, 3000);
	assert_string_equal(host_said(world), "credit(call 3000) ");
}

static void more_than_the_calls_window_is_a_violation(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	world->consumes = false;
	plugin_responds(world, call->id, 0, 4001, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

static void more_than_the_channels_window_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 6001, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

/* ---- cancel ---- */

static void a_cancelled_call_is_live_until_the_plugin_has_ended_it(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);
	uint32_t id = call->id;

	outgoing_cancel(&world->calls.outgoing, call, 4, STR_LITERAL("too late"), 0);
	assert_string_equal(host_said(world), "request(0!) cancel(4) ");
	assert_int_equal(live(world), 1);
	plugin_responds(world, id, 0, 10, true);
	assert_int_equal(live(world), 0);
	assert_string_equal(world->heard, "");
	assert_int_equal(world->violation.code, 0);
}

static void a_late_answer_never_meets_the_next_call(void **state)
{
	struct world *world = *state;
	uint32_t late = start(world, 0, true)->id;

	outgoing_cancel(&world->calls.outgoing, world->call, 4, STR_LITERAL(""), 0);
	start(world, 0, true);
	plugin_responds(world, late, 0, 33, true);
	assert_string_equal(world->heard, "");
	plugin_responds(world, world->call->id, 0, 44, true);
	assert_string_equal(world->heard, "response(0,44)! ");
}

static void cancelling_gives_back_what_the_owner_held(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 0, true);

	world->consumes = false;
	plugin_responds(world, call->id, 0, 4000, false);
	host_said(world);
	outgoing_cancel(&world->calls.outgoing, call, 1, STR_LITERAL(""), 0);
	assert_string_equal(host_said(world), "cancel(1) credit(call 4000) ");
}

static const struct call *oldest_cancelled(const struct world *world)
{
	return call_table_oldest_cancelled(&world->calls.outgoing.table);
}

static void cancelled_calls_are_known_by_age_until_the_plugin_ends_them(void **state)
{
	struct world *world = *state;
	struct outgoing *outgoing = &world->calls.outgoing;
	struct call *first = start(world, 0, true), *second = start(world, 0, true);
	struct call *third = start(world, 0, true);

	assert_null(oldest_cancelled(world));
	outgoing_cancel(outgoing, second, 4, STR_LITERAL(""), 100);
	outgoing_cancel(outgoing, first, 4, STR_LITERAL(""), 200);
	assert_ptr_equal(oldest_cancelled(world), second);
	assert_int_equal(oldest_cancelled(world)->cancelled_ms, 100);
	plugin_responds(world, third->id, 0, 0, true);
	assert_ptr_equal(oldest_cancelled(world), second);
	plugin_responds(world, second->id, 1, 0, true);
	assert_ptr_equal(oldest_cancelled(world), first);
	plugin_responds(world, first->id, 1, 0, true);
	assert_null(oldest_cancelled(world));
	start(world, 0, true);
	assert_null(oldest_cancelled(world));
}

static void breaking_all_forgets_cancelled_calls_too(void **state)
{
	struct world *world = *state;

	outgoing_cancel(&world->calls.outgoing, start(world, 0, true), 4, STR_LITERAL(""), 1);
	outgoing_break_all(&world->calls.outgoing, &(struct call_break){.kind = CALL_GONE});
	assert_null(oldest_cancelled(world));
}

static void cancelling_drops_what_waits_for_credit(void **state)
{
	struct world *world = *state;
	struct call *call = start(world, 9000, true);

	host_said(world);
	outgoing_cancel(&world->calls.outgoing, call, 1, STR_LITERAL(""), 0);
	assert_string_equal(host_said(world), "cancel(1) ");
	plugin_gives_credit(world, call->id, 4000);
	assert_string_equal(host_said(world), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_world_setup, calls_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_small_call_is_one_frame_each_way),
		TEST(ids_are_odd_and_differ_when_a_slot_is_used_again),
		TEST(a_plugin_that_has_all_the_calls_it_takes_gets_no_more),
		TEST(a_stream_comes_in_order_and_ends),
		TEST(an_answer_that_is_taken_back_breaks_the_call),
		TEST(an_early_answer_ends_what_was_still_to_be_sent),
		TEST(when_the_channel_goes_every_call_hears_it_once),
		TEST(a_large_message_goes_in_chunks_as_far_as_the_window),
		TEST(the_channels_window_binds_all_calls_together),
		TEST(a_small_call_overtakes_a_large_one_that_waits),
		TEST(waiting_calls_take_turns),
		TEST(what_is_sent_piece_by_piece_keeps_its_boundaries),
		TEST(a_small_call_stands_behind_a_pipe_s_worth_however_many_bodies_there_are),
		TEST(room_that_sending_makes_is_room_for_those_who_wait),
		TEST(credit_comes_back_in_halves_of_a_window),
		TEST(the_channel_carries_more_than_its_window_in_the_long_run),
		TEST(what_is_not_consumed_gives_the_channel_credit_but_not_the_call),
		TEST(more_than_the_calls_window_is_a_violation),
		TEST(more_than_the_channels_window_is_a_violation),
		TEST(a_cancelled_call_is_live_until_the_plugin_has_ended_it),
		TEST(a_late_answer_never_meets_the_next_call),
		TEST(cancelling_gives_back_what_the_owner_held),
		TEST(cancelling_drops_what_waits_for_credit),
		TEST(cancelled_calls_are_known_by_age_until_the_plugin_ends_them),
		TEST(breaking_all_forgets_cancelled_calls_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
