/* Idleness, as it is seen by somebody who looks now and then. */
#include "plugin/idle.h"
#include "tests/support/unit.h"

static void it_grows_while_nothing_happens(void **state)
{
	struct idle idle;

	idle_init(&idle, 7, 1000);
	assert_int_equal(idle_look(&idle, 7, false, 1000), 0);
	assert_int_equal(idle_look(&idle, 7, false, 1400), 400);
	assert_int_equal(idle_look(&idle, 7, false, 9000), 8000);
}

static void an_open_call_ends_it(void **state)
{
	struct idle idle;

	idle_init(&idle, 7, 0);
	assert_int_equal(idle_look(&idle, 7, true, 500), 0);
	assert_int_equal(idle_look(&idle, 7, true, 9000), 0);
}

/* It may have ended just before this look. */
static void a_call_that_was_open_at_the_last_look_counts_once_more(void **state)
{
	struct idle idle;

	idle_init(&idle, 7, 0);
	idle_look(&idle, 8, true, 100);
	assert_int_equal(idle_look(&idle, 8, false, 200), 0);
	assert_int_equal(idle_look(&idle, 8, false, 300), 100);
}

static void a_call_that_came_and_went_between_two_looks_is_seen(void **state)
{
	struct idle idle;

	idle_init(&idle, 7, 0);
	assert_int_equal(idle_look(&idle, 8, false, 100), 0);
	assert_int_equal(idle_look(&idle, 8, false, 250), 150);
}

static void looks_come_four_times_in_the_time(void **state)
{
	assert_int_equal(idle_wait_ms(1000), 250);
	assert_int_equal(idle_wait_ms(1), 1);
	assert_int_equal(idle_wait_ms(4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_while_nothing_happens),
		cmocka_unit_test(an_open_call_ends_it),
		cmocka_unit_test(a_call_that_was_open_at_the_last_look_counts_once_more),
		cmocka_unit_test(a_call_that_came_and_went_between_two_looks_is_seen),
		cmocka_unit_test(looks_come_four_times_in_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
