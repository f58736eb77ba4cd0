/* The circuit breaker as conversations with the plugin's calls: when it opens, what it lets through
 * half-open, and how it closes. */
#include "dispatch/breaker.h"
#include "tests/support/unit.h"

#define NOW 1000000

static const struct breaker_opts usual = {.enabled = true,
					  .failure_threshold = 5,
					  .failure_percent = 50,
					  .min_calls = 3,
					  .window_ms = 10000,
					  .recovery_ms = 30000,
					  .probes = 2};

static uint32_t enter(struct breaker *breaker, int64_t now_ms)
{
	uint32_t ticket;

	assert_true(breaker_enter(breaker, now_ms, &ticket));
	return ticket;
}

static void refused(struct breaker *breaker, int64_t now_ms)
{
	uint32_t ticket;

	assert_true(breaker_is_shut(breaker, now_ms));
	assert_false(breaker_enter(breaker, now_ms, &ticket));
}

/* Whole calls, one after the other: "ok" s(uccess), f(ailure), n(eutral). */
static void play(struct breaker *breaker, const char *calls, int64_t now_ms)
{
	for (; *calls; calls++)
		breaker_leave(breaker, enter(breaker, now_ms),
			      *calls == 's'   ? BREAKER_SUCCESS
			      : *calls == 'f' ? BREAKER_FAILURE
					      : BREAKER_NEUTRAL,
			      now_ms);
}

static struct breaker opened(int64_t now_ms)
{
	struct breaker breaker;

	breaker_init(&breaker, &usual);
	play(&breaker, "fffff", now_ms);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	return breaker;
}

/* ---- closed ---- */

static void opens_after_five_failures(void **state)
{
	struct breaker breaker;

	breaker_init(&breaker, &usual);
	play(&breaker, "ffff", NOW);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	assert_int_equal(breaker.openings, 1);
	refused(&breaker, NOW);
}

/* The pitfall: five failures ever. */
static void failures_that_are_old_do_not_count(void **state)
{
	struct breaker breaker;

	breaker_init(&breaker, &usual);
	for (int i = 0; i < 100; i++)
		play(&breaker, "f", NOW + i * 2600);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW + 99 * 2600 + 500);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void a_failure_counts_for_the_window_and_no_longer(void **state)
{
	struct breaker breaker;

	breaker_init(&breaker, &usual);
	play(&breaker, "ffff", NOW);
	play(&breaker, "f", NOW + 10000);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	breaker_init(&breaker, &usual);
	play(&breaker, "ffff", NOW);
	play(&breaker, "f", NOW + 8900);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	breaker_init(&breaker, &usual);
	play(&breaker, "ffff", NOW);
	play(&breaker, "f", NOW + 3600000);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void successes_lower_the_share_of_failures(void **state)
{
	struct breaker breaker;

	breaker_init(&breaker, &usual);
	play(&breaker, "ssssssfffff", NOW);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW); /* 6 of 12 */
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void a_few_calls_say_nothing_yet(void **state)
{
	struct breaker_opts opts = usual;
	struct breaker breaker;

	opts.failure_threshold = 1;
	breaker_init(&breaker, &opts);
	play(&breaker, "ff", NOW);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void what_says_nothing_is_not_counted(void **state)
{
	struct breaker_opts opts = usual;
	struct breaker breaker;

	opts.failure_threshold = 1;
	breaker_init(&breaker, &opts);
	play(&breaker, "nnnnnnfnnnf", NOW);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void switched_off_it_lets_everything_through(void **state)
{
	struct breaker_opts opts = usual;
	struct breaker_opts zeroed = {.enabled = false};
	struct breaker breaker;

	opts.enabled = false;
	breaker_init(&breaker, &opts);
	play(&breaker, "ffffffffffffffff", NOW);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	breaker_init(&breaker, &zeroed);
	play(&breaker, "fffffff", NOW);
}

/* A reload may do that to one that is open. */
static void switched_off_later_it_refuses_nobody_any_more(void **state)
{
	struct breaker breaker = opened(NOW);
	struct breaker_opts off = {.enabled = false};

	breaker.opts = &off;
	assert_false(breaker_is_shut(&breaker, NOW));
	play(&breaker, "fsn", NOW);
}

/* ---- open ---- */

static void refuses_until_the_recovery_time_is_over(void **state)
{
	struct breaker breaker = opened(NOW);

	assert_int_equal(breaker_left_ms(&breaker, NOW + 100), 29900);
	refused(&breaker, NOW + 29999);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	assert_int_equal(breaker_left_ms(&breaker, NOW + 30000), 0);
	enter(&breaker, NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

static void what_began_before_it_opened_says_nothing(void **state)
{
	struct breaker breaker;
	uint32_t early, later;

	breaker_init(&breaker, &usual);
	early = enter(&breaker, NOW);
	later = enter(&breaker, NOW);
	play(&breaker, "fffff", NOW);
	breaker_leave(&breaker, early, BREAKER_SUCCESS, NOW);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	enter(&breaker, NOW + 30000);
	breaker_leave(&breaker, later, BREAKER_FAILURE, NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
	assert_int_equal(breaker.successes, 0);
}

/* ---- half-open ---- */

static void lets_as_many_probes_through_as_it_needs_successes(void **state)
{
	for (unsigned probes = 1; probes <= 5; probes++) {
		struct breaker breaker = opened(NOW);
		struct breaker_opts opts = usual;
		uint32_t tickets[5];

		opts.probes = probes;
		breaker.opts = &opts;
		for (unsigned i = 0; i < probes; i++)
			tickets[i] = enter(&breaker, NOW + 30000);
		refused(&breaker, NOW + 30000);
		for (unsigned i = 0; i < probes; i++) {
			assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
			refused(&breaker, NOW + 30000);
			breaker_leave(&breaker, tickets[i], BREAKER_SUCCESS, NOW + 30000);
		}
		assert_int_equal(breaker.state, BREAKER_CLOSED);
	}
}

static void one_probe_that_fails_opens_it_again(void **state)
{
	struct breaker breaker = opened(NOW);
	uint32_t first = enter(&breaker, NOW + 30000);
	uint32_t second = enter(&breaker, NOW + 30000);

	breaker_leave(&breaker, first, BREAKER_FAILURE, NOW + 31000);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	assert_int_equal(breaker.openings, 2);
	breaker_leave(&breaker, second, BREAKER_SUCCESS, NOW + 31000);
	assert_int_equal(breaker.state, BREAKER_OPEN);
	refused(&breaker, NOW + 60999);
	enter(&breaker, NOW + 61000);
}

static void a_probe_that_says_nothing_gives_its_place_back(void **state)
{
	struct breaker breaker = opened(NOW);

	for (int i = 0; i < 20; i++)
		play(&breaker, "n", NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
	play(&breaker, "ss", NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void it_closes_with_an_empty_window(void **state)
{
	struct breaker breaker = opened(NOW);

	play(&breaker, "ss", NOW + 30000);
	play(&breaker, "ffff", NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_CLOSED);
	play(&breaker, "f", NOW + 30000);
	assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void every_state_has_its_word(void **state)
{
	assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
	assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
	assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_after_five_failures),
		cmocka_unit_test(failures_that_are_old_do_not_count),
		cmocka_unit_test(a_failure_counts_for_the_window_and_no_longer),
		cmocka_unit_test(successes_lower_the_share_of_failures),
		cmocka_unit_test(a_few_calls_say_nothing_yet),
		cmocka_unit_test(what_says_nothing_is_not_counted),
		cmocka_unit_test(switched_off_it_lets_everything_through),
		cmocka_unit_test(switched_off_later_it_refuses_nobody_any_more),
		cmocka_unit_test(refuses_until_the_recovery_time_is_over),
		cmocka_unit_test(what_began_before_it_opened_says_nothing),
		cmocka_unit_test(lets_as_many_probes_through_as_it_needs_successes),
		cmocka_unit_test(one_probe_that_fails_opens_it_again),
		cmocka_unit_test(a_probe_that_says_nothing_gives_its_place_back),
		cmocka_unit_test(it_closes_with_an_empty_window),
		cmocka_unit_test(every_state_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
