/* Supervision: who is started again, when, and who is given up. Hours and weeks are numbers
 * here. */
#include "observe/errors.h"
#include "plugin/supervisor.h"
#include "tests/support/unit.h"

#define SECOND INT64_C(1000)
#define WEEK   (7 * 24 * 3600 * SECOND)

static const struct restart_opts usual = {
	.policy = RESTART_ALWAYS,
	.max_restarts = 5,
	.period_ms = 60 * SECOND,
	.initial_delay_ms = 100,
	.max_delay_ms = 30 * SECOND,
	.healthy_after_ms = 10 * SECOND,
};

static const struct supervisor_end never_ready = {true, -1, "exited with status 3"};
static const struct supervisor_end crash = {true, 5000, "killed by signal 11 (SIGSEGV)"};
static const struct supervisor_end clean = {false, 5000, "exited with status 0"};

/* The longest wait that the jitter allows; -1: not started again. */
static int64_t decide(struct supervisor *history, const struct restart_opts *opts,
		      const struct supervisor_end *end, int64_t now_ms)
{
	struct supervisor copy = *history;
	struct supervisor_decision decision;
	int64_t half, whole = 0;

	supervisor_decide(history, opts, end, now_ms, 0, &decision);
	if (decision.verdict != SUPERVISOR_RESTART)
		return -1;
	half = decision.delay_ms;
	for (uint32_t random = 0; random <= half; random++) {
		struct supervisor one = copy;

		supervisor_decide(&one, opts, end, now_ms, random, &decision);
		assert_in_range(decision.delay_ms, half, 2 * half);
		whole = decision.delay_ms > whole ? decision.delay_ms : whole;
	}
	return whole;
}

static enum supervisor_verdict verdict_of(const struct restart_opts *opts,
					  const struct supervisor_end *end)
{
	struct supervisor history = {0};
	struct supervisor_decision decision;

	supervisor_decide(&history, opts, end, 0, 0, &decision);
	return decision.verdict;
}

/* ---- policy ---- */

static void the_policy_says_after_which_ends_it_is_started_again(void **state)
{
	struct restart_opts opts = usual;

	assert_int_equal(verdict_of(&opts, &crash), SUPERVISOR_RESTART);
	assert_int_equal(verdict_of(&opts, &clean), SUPERVISOR_RESTART);
	opts.policy = RESTART_ON_FAILURE;
	assert_int_equal(verdict_of(&opts, &crash), SUPERVISOR_RESTART);
	assert_int_equal(verdict_of(&opts, &never_ready), SUPERVISOR_RESTART);
	assert_int_equal(verdict_of(&opts, &clean), SUPERVISOR_LEAVE);
	opts.policy = RESTART_NEVER;
	assert_int_equal(verdict_of(&opts, &crash), SUPERVISOR_LEAVE);
	assert_int_equal(verdict_of(&opts, &clean), SUPERVISOR_LEAVE);
}

static void the_policy_is_named_with_the_end(void **state)
{
	struct restart_opts opts = usual;
	struct supervisor history = {0};
	struct supervisor_decision decision;

	opts.policy = RESTART_ON_FAILURE;
	supervisor_decide(&history, &opts, &clean, 0, 0, &decision);
	assert_int_equal(decision.reason.code, ERR_PLUGIN_ENDED);
	assert_non_null(strstr(decision.reason.text, "on-failure"));
	assert_non_null(strstr(decision.reason.text, "exited with status 0"));
}

/* ---- delay ---- */

static void delays_double_up_to_the_longest(void **state)
{
	struct restart_opts opts = usual;
	struct supervisor history = {0};
	int64_t expected = 100;

	opts.max_restarts = RESTART_MAX_RESTARTS;
	opts.max_delay_ms = 1000;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(decide(&history, &opts, &never_ready, 0), expected);
		expected = expected * 2 < 1000 ? expected * 2 : 1000;
	}
}

static void a_healthy_time_begins_the_delays_anew(void **state)
{
	struct supervisor_end healthy = {true, 10 * SECOND, "killed"};
	struct supervisor_end nearly = {true, 10 * SECOND - 1, "killed"};
	struct supervisor history = {0};

	assert_int_equal(decide(&history, &usual, &crash, 0), 100);
	assert_int_equal(decide(&history, &usual, &nearly, 20 * SECOND), 200);
	assert_int_equal(decide(&history, &usual, &healthy, 40 * SECOND), 100);
}

static void who_was_never_ready_was_not_healthy(void **state)
{
	struct restart_opts opts = usual;
	struct supervisor history = {0};

	opts.healthy_after_ms = 0;
	assert_int_equal(decide(&history, &opts, &never_ready, 0), 100);
	assert_int_equal(decide(&history, &opts, &never_ready, 0), 200);
	assert_int_equal(decide(&history, &opts, &crash, 0), 100);
}

static void jitter_differs(void **state)
{
	struct supervisor one = {0}, other = {0};
	struct supervisor_decision first, second;

	supervisor_decide(&one, &usual, &crash, 0, 3, &first);
	supervisor_decide(&other, &usual, &crash, 0, 30, &second);
	assert_int_not_equal(first.delay_ms, second.delay_ms);
}

/* ---- limit ---- */

/* Ends as soon as it was started. Returns how often it was. */
static unsigned loop_until_given_up(struct supervisor *history, const struct restart_opts *opts,
				    int64_t now_ms, struct supervisor_decision *last)
{
	unsigned restarts = 0;

	for (;;) {
		supervisor_decide(history, opts, &never_ready, now_ms, 0, last);
		if (last->verdict != SUPERVISOR_RESTART)
			return restarts;
		now_ms += last->delay_ms;
		restarts++;
		assert_true(restarts <= RESTART_MAX_RESTARTS);
	}
}

static void a_crash_loop_is_given_up_after_the_limit(void **state)
{
	struct supervisor history = {0};
	struct supervisor_decision last;

	assert_int_equal(loop_until_given_up(&history, &usual, 0, &last), 5);
	assert_int_equal(last.verdict, SUPERVISOR_GIVE_UP);
	assert_int_equal(last.reason.code, ERR_PLUGIN_CRASH_LOOP);
	assert_string_equal(
		last.reason.text,
		"given up after 5 restarts within 1m; the last time: exited with status 3");
}

static void every_limit_can_be_reached(void **state)
{
	struct restart_opts opts = usual;

	opts.max_delay_ms = 1;
	for (unsigned limit = 0; limit <= RESTART_MAX_RESTARTS; limit++) {
		struct supervisor history = {0};
		struct supervisor_decision last;

		opts.max_restarts = limit;
		assert_int_equal(loop_until_given_up(&history, &opts, 7, &last), limit);
	}
}

static void what_fails_each_week_is_started_for_ever(void **state)
{
	struct supervisor_end weekly = {true, WEEK, "killed"};
	struct supervisor history = {0};

	for (int i = 1; i < 1000; i++)
		assert_int_equal(decide(&history, &usual, &weekly, i * WEEK), 100);
}

static void a_restart_counts_for_one_period(void **state)
{
	struct restart_opts opts = usual;
	struct supervisor history = {0};
	struct supervisor_decision decision;

	opts.max_restarts = 1;
	opts.max_delay_ms = 1;
	supervisor_decide(&history, &opts, &crash, 0, 1, &decision); /* a restart at 1 */
	assert_int_equal(decision.verdict, SUPERVISOR_RESTART);
	struct supervisor early = history;
	supervisor_decide(&early, &opts, &crash, opts.period_ms - 1, 1, &decision);
	assert_int_equal(decision.verdict, SUPERVISOR_GIVE_UP);
	supervisor_decide(&history, &opts, &crash, opts.period_ms, 1, &decision);
	assert_int_equal(decision.verdict, SUPERVISOR_RESTART);
}

/* Healthy times begin the delays anew, but an instance that lives for eleven seconds each time is
 * still in a loop. */
static void a_healthy_time_does_not_undo_the_limit(void **state)
{
	struct supervisor_end short_life = {true, 11 * SECOND, "killed"};
	struct restart_opts opts = usual;
	struct supervisor history = {0};
	int64_t now_ms = 0;

	opts.max_restarts = 3;
	for (int i = 0; i < 3; i++, now_ms += 11 * SECOND)
		assert_true(decide(&history, &opts, &short_life, now_ms) > 0);
	assert_int_equal(decide(&history, &opts, &short_life, now_ms), -1);
}

static void without_a_period_there_is_no_limit(void **state)
{
	struct restart_opts none = {.policy = RESTART_ALWAYS};
	struct supervisor history = {0};

	for (int i = 0; i < 1000; i++)
		assert_int_equal(decide(&history, &none, &never_ready, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policy_says_after_which_ends_it_is_started_again),
		cmocka_unit_test(the_policy_is_named_with_the_end),
		cmocka_unit_test(delays_double_up_to_the_longest),
		cmocka_unit_test(a_healthy_time_begins_the_delays_anew),
		cmocka_unit_test(who_was_never_ready_was_not_healthy),
		cmocka_unit_test(jitter_differs),
		cmocka_unit_test(a_crash_loop_is_given_up_after_the_limit),
		cmocka_unit_test(every_limit_can_be_reached),
		cmocka_unit_test(what_fails_each_week_is_started_for_ever),
		cmocka_unit_test(a_restart_counts_for_one_period),
		cmocka_unit_test(a_healthy_time_does_not_undo_the_limit),
		cmocka_unit_test(without_a_period_there_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
