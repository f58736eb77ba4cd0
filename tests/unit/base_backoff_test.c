/* Back-off: how long each wait is, at its shortest and its longest. */
#include "base/backoff.h"
#include "tests/support/unit.h"

static const struct backoff usual = {.first_ms = 100, .max_ms = 5000, .factor = 2};

/* The two ends of the jitter: `random` 0 gives half, `random` = range - 1 gives the whole. */
static void assert_range(const struct backoff *backoff, unsigned failures, int64_t least,
			 int64_t most)
{
	assert_int_equal(backoff_delay_ms(backoff, failures, 0), least);
	assert_int_equal(backoff_delay_ms(backoff, failures, (uint32_t)(most - least)), most);
}

static void doubles_up_to_the_limit(void **state)
{
	assert_range(&usual, 1, 50, 100);
	assert_range(&usual, 2, 100, 200);
	assert_range(&usual, 6, 1600, 3200);
	assert_range(&usual, 7, 2500, 5000);
	assert_range(&usual, 1000, 2500, 5000);
}

static void never_leaves_the_upper_half(void **state)
{
	for (uint32_t random = 0; random < 100000; random += 7) {
		int64_t delay = backoff_delay_ms(&usual, 3, random * 42949u);
		assert_in_range(delay, 200, 400);
	}
}

static void spreads_from_nothing_to_the_whole(void **state)
{
	assert_int_equal(backoff_spread_ms(&usual, 1, 0), 0);
	assert_int_equal(backoff_spread_ms(&usual, 1, 100), 100);
	assert_int_equal(backoff_spread_ms(&usual, 1, 101), 0);
	assert_int_equal(backoff_spread_ms(&usual, 3, 399), 399);
	assert_int_equal(backoff_spread_ms(&usual, 100, 5000), 5000);
	assert_int_equal(backoff_spread_ms(&(struct backoff){.first_ms = 0}, 1, 7), 0);
	assert_true(backoff_spread_ms(&(struct backoff){INT64_MAX, INT64_MAX, 2}, 9, UINT32_MAX) >=
		    0);
}

static void never_overflows(void **state)
{
	const struct backoff huge = {
		.first_ms = INT64_MAX / 2, .max_ms = INT64_MAX, .factor = 4000000000u};

	assert_true(backoff_delay_ms(&huge, UINT32_MAX, UINT32_MAX) > 0);
	assert_true(backoff_delay_ms(&huge, 1, UINT32_MAX) > 0);
}

static void a_factor_of_one_waits_the_same_each_time(void **state)
{
	const struct backoff steady = {.first_ms = 300, .max_ms = 1000, .factor = 1};

	assert_range(&steady, 1, 150, 300);
	assert_range(&steady, UINT32_MAX, 150, 300);
}

static void nothing_to_wait_is_no_wait(void **state)
{
	const struct backoff none = {.first_ms = 0, .max_ms = 1000, .factor = 2};

	assert_int_equal(backoff_delay_ms(&none, 50, 12345), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_limit),
		cmocka_unit_test(never_leaves_the_upper_half),
		cmocka_unit_test(spreads_from_nothing_to_the_whole),
		cmocka_unit_test(never_overflows),
		cmocka_unit_test(a_factor_of_one_waits_the_same_each_time),
		cmocka_unit_test(nothing_to_wait_is_no_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
