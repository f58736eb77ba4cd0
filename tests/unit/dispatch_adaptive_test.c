/* Adaptive concurrency against plugins that are made up: each takes so long for a call, depending
 * on how many run. The callers always want more than they get. */
#include "dispatch/adaptive.h"
#include "tests/support/unit.h"

#define MOST 256

/* A plugin that works on `capacity` calls at once, 10 ms each; the others stand in its queue. */
static int64_t took_us(unsigned running, unsigned capacity)
{
	return running <= capacity ? 10000 : (int64_t)10000 * running / capacity;
}

/* Full load for so many seconds: the limit at the end. */
static unsigned run(struct adaptive *adaptive, unsigned most, unsigned capacity, int64_t *now_ms,
		    int seconds)
{
	int64_t end_ms = *now_ms + seconds * INT64_C(1000);
	unsigned limit = (unsigned)adaptive->limit;

	while (*now_ms < end_ms) {
		unsigned running = limit;

		*now_ms += took_us(running, capacity) / 1000;
		for (unsigned i = 0; i < running; i++)
			limit = adaptive_learn(adaptive, most, running - i,
					       took_us(running, capacity), *now_ms);
	}
	return limit;
}

static void starts_with_the_most_and_keeps_it_while_calls_are_fast(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;

	adaptive_init(&adaptive, MOST);
	assert_int_equal(run(&adaptive, MOST, 1000, &now_ms, 60), MOST);
}

static void comes_down_when_calls_get_slower_and_up_again(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;
	unsigned limit;

	adaptive_init(&adaptive, MOST);
	run(&adaptive, MOST, 1000, &now_ms, 10);
	limit = run(&adaptive, MOST, 20, &now_ms, 20);
	assert_in_range(limit, 10, 60);
	assert_int_equal(run(&adaptive, MOST, 1000, &now_ms, 120), MOST);
}

static void comes_down_to_a_few_calls_and_never_to_none(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;

	adaptive_init(&adaptive, MOST);
	run(&adaptive, MOST, 1000, &now_ms, 10);
	assert_in_range(run(&adaptive, MOST, 1, &now_ms, 60), 1, 20);
	for (int i = 0; i < 1000; i++, now_ms += 100)
		assert_in_range(adaptive_learn(&adaptive, MOST, 1, INT64_MAX / 4, now_ms), 1, MOST);
}

static void one_slow_call_among_many_changes_nothing(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;

	adaptive_init(&adaptive, MOST);
	run(&adaptive, MOST, 1000, &now_ms, 10);
	adaptive_learn(&adaptive, MOST, MOST, 1000000, now_ms + 1);
	assert_int_equal(run(&adaptive, MOST, 1000, &now_ms, 1), MOST);
}

static void who_has_little_to_do_does_not_lose_his_limit(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;

	adaptive_init(&adaptive, MOST);
	run(&adaptive, MOST, 1000, &now_ms, 10);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(adaptive_learn(&adaptive, MOST, 3, 500000, now_ms += 10), MOST);
}

static void never_exceeds_a_maximum_that_was_lowered(void **state)
{
	struct adaptive adaptive;
	int64_t now_ms = 1000;

	adaptive_init(&adaptive, MOST);
	run(&adaptive, MOST, 1000, &now_ms, 1);
	assert_int_equal(adaptive_learn(&adaptive, 16, 10, 10000, now_ms), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_the_most_and_keeps_it_while_calls_are_fast),
		cmocka_unit_test(comes_down_when_calls_get_slower_and_up_again),
		cmocka_unit_test(comes_down_to_a_few_calls_and_never_to_none),
		cmocka_unit_test(one_slow_call_among_many_changes_nothing),
		cmocka_unit_test(who_has_little_to_do_does_not_lose_his_limit),
		cmocka_unit_test(never_exceeds_a_maximum_that_was_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
