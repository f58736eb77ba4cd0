/* The loop with real descriptors: what runs, in which order, and that nothing queued is
 * forgotten. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "tests/support/unit.h"

struct world {
	struct loop *loop;
	int fds[2]; /* a socket pair */
	struct loop_io io;
	struct loop_flush flush;
	struct loop_flush other;
	struct loop_timer timer;
	char trail[64]; /* a letter for each thing that happened */
};

static void note(struct world *world, char letter)
{
	size_t len = strlen(world->trail);

	assert_true(len + 1 < sizeof(world->trail));
	world->trail[len] = letter;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->loop = loop_new();
	assert_non_null(world->loop);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, world->fds), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	loop_free(world->loop);
	fd_close(&world->fds[0]);
	fd_close(&world->fds[1]);
	free(world);
	return 0;
}

static void on_flush_note(void *user)
{
	note(user, 'f');
}

static void on_other_note(void *user)
{
	note(user, 'o');
}

static void on_flush_stop(void *user)
{
	struct world *world = user;

	note(world, 's');
	loop_stop(world->loop);
}

static void on_ready_read(void *user, bool readable, bool writable)
{
	struct world *world = user;
	char byte;

	note(world, readable ? 'r' : '-');
	while (read(world->fds[0], &byte, 1) > 0)
		;
	loop_flush_queue(world->loop, &world->flush);
}

static void a_byte_wakes_the_reader_and_the_flush_comes_after_it(void **state)
{
	struct world *world = *state;

	loop_io_init(&world->io, world->loop, world->fds[0], on_ready_read, world);
	loop_flush_init(&world->flush, on_flush_note, world);
	loop_io_want(&world->io, true, false);
	assert_int_equal(write(world->fds[1], "x", 1), 1);
	loop_turn(world->loop, true);
	assert_string_equal(world->trail, "rf");
	loop_io_want(&world->io, false, false);
}

static void on_ready_letters(void *user, bool readable, bool writable)
{
	note(user, readable ? (writable ? 'b' : 'r') : 'w');
}

static void interest_is_what_was_said_last(void **state)
{
	struct world *world = *state;

	loop_io_init(&world->io, world->loop, world->fds[0], on_ready_letters, world);
	assert_int_equal(write(world->fds[1], "x", 1), 1);
	loop_io_want(&world->io, false, true);
	loop_turn(world->loop, false);
	loop_io_want(&world->io, true, true);
	loop_turn(world->loop, false);
	loop_io_want(&world->io, true, false);
	loop_turn(world->loop, false);
	loop_io_want(&world->io, false, false);
	loop_turn(world->loop, false);
	loop_io_want(&world->io, true, false);
	loop_turn(world->loop, false);
	assert_string_equal(world->trail, "wbrr");
	loop_io_want(&world->io, false, false);
}

static void a_hang_up_comes_as_what_is_wanted(void **state)
{
	struct world *world = *state;

	loop_io_init(&world->io, world->loop, world->fds[0], on_ready_letters, world);
	loop_io_want(&world->io, true, false);
	fd_close(&world->fds[1]);
	loop_turn(world->loop, true);
	assert_string_equal(world->trail, "r");
	loop_io_want(&world->io, false, false);
}

/* A descriptor's number is used again at once: the watcher of the new one must not be mistaken for
 * the old. */
static void a_number_that_is_used_again_is_watched_anew(void **state)
{
	struct world *world = *state;
	int number = world->fds[0];

	loop_io_init(&world->io, world->loop, number, on_ready_letters, world);
	loop_io_want(&world->io, true, false);
	loop_turn(world->loop, false);
	loop_io_want(&world->io, false, false);
	fd_close(&world->fds[0]);
	fd_close(&world->fds[1]);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world->fds), 0);
	assert_int_equal(world->fds[0], number);
	loop_io_init(&world->io, world->loop, number, on_ready_letters, world);
	loop_io_want(&world->io, true, false);
	assert_int_equal(write(world->fds[1], "x", 1), 1);
	loop_turn(world->loop, true);
	assert_string_equal(world->trail, "r");
	loop_io_want(&world->io, false, false);
}

/* If it waited for an event, loop_run() would never come back: the suite's time limit would fail
 * it. */
static void what_was_queued_before_the_loop_runs_is_done_before_it_sleeps(void **state)
{
	struct world *world = *state;

	loop_flush_init(&world->flush, on_flush_stop, world);
	loop_flush_queue(world->loop, &world->flush);
	loop_run(world->loop);
	assert_string_equal(world->trail, "s");
}

static void on_flush_queue_other(void *user)
{
	struct world *world = user;

	note(world, 'f');
	loop_flush_queue(world->loop, &world->other);
}

static void what_a_flush_queues_runs_in_the_same_end_of_turn(void **state)
{
	struct world *world = *state;

	loop_flush_init(&world->flush, on_flush_queue_other, world);
	loop_flush_init(&world->other, on_flush_stop, world);
	loop_flush_queue(world->loop, &world->flush);
	loop_run(world->loop);
	assert_string_equal(world->trail, "fs");
}

static void a_flush_runs_once_however_often_it_was_queued(void **state)
{
	struct world *world = *state;

	loop_flush_init(&world->flush, on_flush_note, world);
	for (int i = 0; i < 3; i++)
		loop_flush_queue(world->loop, &world->flush);
	loop_turn(world->loop, false);
	loop_turn(world->loop, false);
	assert_string_equal(world->trail, "f");
}

static void cancelling_takes_out_the_first_the_middle_and_the_last(void **state)
{
	struct world *world = *state;
	struct loop_flush flushes[3];

	for (int gone = 0; gone < 3; gone++) {
		for (int i = 0; i < 3; i++) {
			loop_flush_init(&flushes[i], on_flush_note, world);
			loop_flush_queue(world->loop, &flushes[i]);
		}
		loop_flush_cancel(world->loop, &flushes[gone]);
		loop_flush_cancel(world->loop, &flushes[gone]);
		loop_flush_init(&world->other, on_other_note, world);
		loop_flush_queue(world->loop, &world->other);
		loop_turn(world->loop, false);
	}
	assert_string_equal(world->trail, "ffoffoffo");
}

static void release_note(void *user)
{
	note(user, 'x');
}

static void release_and_queue(void *user)
{
	struct world *world = user;

	note(world, 'y');
	loop_retire(world->loop, release_note, world);
	loop_flush_queue(world->loop, &world->flush);
}

static void retired_objects_go_after_the_flushes_and_may_cause_more(void **state)
{
	struct world *world = *state;

	loop_flush_init(&world->flush, on_flush_note, world);
	loop_flush_queue(world->loop, &world->flush);
	loop_retire(world->loop, release_and_queue, world);
	loop_turn(world->loop, false);
	assert_string_equal(world->trail, "fyxf");
}

static void many_can_be_retired_in_one_turn(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 1000; i++)
		loop_retire(world->loop, free, malloc(1));
	loop_turn(world->loop, false);
	for (int i = 0; i < 1000; i++)
		loop_retire(world->loop, free, malloc(1));
	/* the rest is loop_free()'s: a leak would be found */
}

static void on_ready_stop_and_queue(void *user, bool readable, bool writable)
{
	struct world *world = user;

	loop_stop(world->loop);
	loop_flush_queue(world->loop, &world->flush);
	loop_retire(world->loop, release_note, world);
}

static void the_last_turn_is_finished_when_the_loop_is_left(void **state)
{
	struct world *world = *state;

	loop_io_init(&world->io, world->loop, world->fds[0], on_ready_stop_and_queue, world);
	loop_flush_init(&world->flush, on_flush_note, world);
	loop_io_want(&world->io, false, true);
	loop_run(world->loop);
	assert_string_equal(world->trail, "fx");
	loop_io_want(&world->io, false, false);
}

static void a_stop_before_the_run_is_not_lost_and_counts_once(void **state)
{
	struct world *world = *state;

	loop_stop(world->loop);
	loop_run(world->loop);
	loop_flush_init(&world->flush, on_flush_stop, world);
	loop_flush_queue(world->loop, &world->flush);
	loop_run(world->loop);
	assert_string_equal(world->trail, "s");
}

static void on_turn_keep(void *user, int64_t took_us)
{
	*(int64_t *)user = took_us;
}

static void who_has_taken_long_lets_time_pass_and_the_turn_is_as_long_as_it_was(void **state)
{
	struct world *world = *state;
	struct loop_measure measure;
	int64_t took_us = 0, before_us;

	loop_measure(world->loop, &measure, on_turn_keep, &took_us);
	loop_turn(world->loop, false);
	before_us = loop_now_us(world->loop);
	while (clock_mono_us() < before_us + 2000)
		assert_int_equal(loop_now_us(world->loop), before_us);
	loop_catch_up(world->loop);
	assert_true(loop_now_us(world->loop) >= before_us + 2000);
	loop_turn(world->loop, false);
	assert_true(took_us >= 2000);
	loop_measure_stop(world->loop, &measure);
}

static void on_due_note(void *user)
{
	note(user, 't');
}

static void a_timer_is_never_early(void **state)
{
	struct world *world = *state;

	loop_timer_init(&world->timer, world->loop, on_due_note, world);
	for (int i = 0; i < 20; i++) {
		int64_t start_ms = loop_now_ms(world->loop);
		size_t before = strlen(world->trail);

		loop_timer_start(&world->timer, 3);
		assert_true(loop_timer_is_active(&world->timer));
		while (strlen(world->trail) == before)
			loop_turn(world->loop, true);
		assert_true(loop_now_ms(world->loop) >= start_ms + 3);
		assert_false(loop_timer_is_active(&world->timer));
	}
}

static void a_stopped_timer_stays_silent_and_a_new_time_replaces_the_old(void **state)
{
	struct world *world = *state;
	struct loop_timer late;

	loop_timer_init(&world->timer, world->loop, on_due_note, world);
	loop_timer_init(&late, world->loop, on_flush_stop, world);
	loop_timer_stop(&world->timer);
	loop_timer_start(&world->timer, 1);
	loop_timer_start(&world->timer, INT64_MAX);
	loop_timer_start(&late, 5);
	loop_run(world->loop);
	assert_string_equal(world->trail, "s");

	loop_timer_start(&world->timer, 1);
	loop_timer_stop(&world->timer);
	loop_timer_start(&late, 5);
	loop_run(world->loop);
	assert_string_equal(world->trail, "ss");
}

static void a_time_in_the_past_is_due_at_once(void **state)
{
	struct world *world = *state;

	loop_timer_init(&world->timer, world->loop, on_flush_stop, world);
	loop_timer_start(&world->timer, -1000);
	loop_run(world->loop);
	assert_string_equal(world->trail, "s");
}

static void the_time_stands_still_within_a_turn_and_goes_on_between_turns(void **state)
{
	struct world *world = *state;
	int64_t before = loop_now_us(world->loop);

	while (clock_mono_us() <= before)
		;
	assert_int_equal(loop_now_us(world->loop), before);
	loop_turn(world->loop, false);
	assert_true(loop_now_us(world->loop) > before);
	assert_true(loop_now_us(world->loop) <= clock_mono_us());
}

static void on_signal_note(void *user, int signum)
{
	assert_int_equal(signum, SIGUSR1);
	note(user, 'u');
}

static void a_signal_arrives_as_a_callback(void **state)
{
	struct world *world = *state;
	struct loop_signal sig;

	loop_signal_start(&sig, world->loop, SIGUSR1, on_signal_note, world);
	assert_int_equal(raise(SIGUSR1), 0);
	while (world->trail[0] == '\0')
		loop_turn(world->loop, true);
	assert_string_equal(world->trail, "u");
	loop_signal_stop(&sig);
}

static void on_turn_count(void *user, int64_t took_us)
{
	assert_true(took_us >= 0);
	++*(int *)user;
}

static void all_who_want_to_know_hear_how_long_a_turn_took(void **state)
{
	struct world *world = *state;
	struct loop_measure measures[3];
	int counts[3] = {0};

	for (int i = 0; i < 3; i++)
		loop_measure(world->loop, &measures[i], on_turn_count, &counts[i]);
	loop_turn(world->loop, false);
	loop_measure_stop(world->loop, &measures[1]);
	loop_measure_stop(world->loop, &measures[1]);
	loop_turn(world->loop, false);
	assert_true(counts[0] > counts[1] && counts[1] > 0 && counts[2] == counts[0]);
	loop_measure_stop(world->loop, &measures[2]);
	loop_measure_stop(world->loop, &measures[0]);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(a_byte_wakes_the_reader_and_the_flush_comes_after_it),
		LOOP_TEST(interest_is_what_was_said_last),
		LOOP_TEST(a_hang_up_comes_as_what_is_wanted),
		LOOP_TEST(a_number_that_is_used_again_is_watched_anew),
		LOOP_TEST(what_was_queued_before_the_loop_runs_is_done_before_it_sleeps),
		LOOP_TEST(what_a_flush_queues_runs_in_the_same_end_of_turn),
		LOOP_TEST(a_flush_runs_once_however_often_it_was_queued),
		LOOP_TEST(cancelling_takes_out_the_first_the_middle_and_the_last),
		LOOP_TEST(retired_objects_go_after_the_flushes_and_may_cause_more),
		LOOP_TEST(many_can_be_retired_in_one_turn),
		LOOP_TEST(the_last_turn_is_finished_when_the_loop_is_left),
		LOOP_TEST(a_stop_before_the_run_is_not_lost_and_counts_once),
		LOOP_TEST(who_has_taken_long_lets_time_pass_and_the_turn_is_as_long_as_it_was),
		LOOP_TEST(a_timer_is_never_early),
		LOOP_TEST(a_stopped_timer_stays_silent_and_a_new_time_replaces_the_old),
		LOOP_TEST(a_time_in_the_past_is_due_at_once),
		LOOP_TEST(the_time_stands_still_within_a_turn_and_goes_on_between_turns),
		LOOP_TEST(a_signal_arrives_as_a_callback),
		LOOP_TEST(all_who_want_to_know_hear_how_long_a_turn_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
