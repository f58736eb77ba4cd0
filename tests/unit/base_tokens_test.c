/* A bucket of tokens through time: bursts, the steady rate, and how long to wait. */
#include "base/tokens.h"
#include "tests/support/unit.h"

#define NOW INT64_C(5000000000)

static unsigned take_all(struct tokens *tokens, struct tokens_rate rate, int64_t now_us)
{
	unsigned count = 0;
	int64_t wait_ms;

	while (count < 100000 && tokens_take(tokens, rate, now_us, &wait_ms))
		count++;
	return count;
}

static void a_burst_and_then_the_rate(void **state)
{
	struct tokens_rate rate = {.per_second = 10, .burst = 25};
	struct tokens tokens = {0};

	assert_int_equal(take_all(&tokens, rate, NOW), 25);
	assert_int_equal(take_all(&tokens, rate, NOW), 0);
	assert_int_equal(take_all(&tokens, rate, NOW + 99999), 0);
	assert_int_equal(take_all(&tokens, rate, NOW + 100000), 1);
	assert_int_equal(take_all(&tokens, rate, NOW + 1100000), 10);
	assert_int_equal(take_all(&tokens, rate, NOW + 3600000000), 25);
}

static void no_fraction_is_lost_however_often_it_is_asked(void **state)
{
	struct tokens_rate rate = {.per_second = 3, .burst = 1};
	struct tokens tokens = {0};
	unsigned count = 0;
	int64_t wait_ms;

	for (int64_t us = 0; us <= 10000000; us += 7)
		count += tokens_take(&tokens, rate, NOW + us, &wait_ms);
	assert_int_equal(count, 30);
}

static void it_says_when_the_next_is_there(void **state)
{
	struct tokens_rate rate = {.per_second = 4, .burst = 1};
	struct tokens tokens = {0};
	int64_t wait_ms = 0;

	assert_true(tokens_take(&tokens, rate, NOW, &wait_ms));
	assert_false(tokens_take(&tokens, rate, NOW, &wait_ms));
	assert_int_equal(wait_ms, 251);
	assert_false(tokens_take(&tokens, rate, NOW + 249900, &wait_ms));
	assert_int_equal(wait_ms, 1);
	assert_true(tokens_take(&tokens, rate, NOW + 250000, &wait_ms));
}

static void the_largest_numbers_fit(void **state)
{
	struct tokens_rate rate = {.per_second = UINT32_MAX, .burst = UINT32_MAX};
	struct tokens tokens = {0};
	int64_t wait_ms;

	for (int i = 0; i < 1000; i++)
		assert_true(tokens_take(&tokens, rate, INT64_MAX - 1000 + i, &wait_ms));
}

static void a_rate_that_shrinks_is_kept_at_once(void **state)
{
	struct tokens tokens = {0};

	assert_int_equal(take_all(&tokens, (struct tokens_rate){100, 50}, NOW), 50);
	assert_int_equal(take_all(&tokens, (struct tokens_rate){1, 1}, NOW + 1000000), 0);
	assert_int_equal(take_all(&tokens, (struct tokens_rate){1, 1}, NOW + 50000000), 1);
}

static void what_is_left_is_told_and_not_taken(void **state)
{
	static const struct tokens_rate rate = {.per_second = 2, .burst = 5};
	struct tokens tokens = {0};
	int64_t wait_ms;

	assert_int_equal(tokens_left(&tokens, rate, NOW), 5);
	for (uint32_t left = 4; left < 5; left--) {
		assert_true(tokens_take(&tokens, rate, NOW, &wait_ms));
		assert_int_equal(tokens_left(&tokens, rate, NOW), left);
		assert_int_equal(tokens_left(&tokens, rate, NOW), left);
	}
	assert_int_equal(tokens_left(&tokens, rate, NOW + 499999), 0);
	assert_int_equal(tokens_left(&tokens, rate, NOW + 500000), 1);
	assert_int_equal(tokens_left(&tokens, rate, NOW + 9000000), 5);
	assert_int_equal(tokens_left(&tokens, (struct tokens_rate){2, 3}, NOW), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_the_rate),
		cmocka_unit_test(no_fraction_is_lost_however_often_it_is_asked),
		cmocka_unit_test(it_says_when_the_next_is_there),
		cmocka_unit_test(the_largest_numbers_fit),
		cmocka_unit_test(a_rate_that_shrinks_is_kept_at_once),
		cmocka_unit_test(what_is_left_is_told_and_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
