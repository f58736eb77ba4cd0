/* Late is what stays late; and low goes before normal, normal before high, critical never. */
#include "edge/shedding.h"
#include "tests/support/unit.h"

#define MS 1000

static const struct lateness_limit limit = {.limit_us = 50 * MS, .interval_us = 500 * MS};

/* A sample of `took` at `at`, or, below 0, only the question; and the level then. In ms. */
struct row {
	int at;
	int took;
	unsigned level;
};

static void play(const struct lateness_limit *by, const struct row *rows, size_t count)
{
	struct lateness lateness = {0};

	for (size_t i = 0; i < count; i++) {
		if (rows[i].took >= 0)
			lateness_note(&lateness, by, rows[i].took * MS, rows[i].at * MS);
		if (lateness_level(&lateness, by, rows[i].at * MS) != rows[i].level)
			fail_msg("row %zu: level %u", i, lateness.level);
	}
}

static void what_is_late_all_the_time_raises_the_level_until_the_most(void **state)
{
	static const struct row rows[] = {
		{0, 50, 0},    {100, 60, 0},  {499, 90, 0},  {500, 50, 1},  {600, 50, 1},
		{999, 50, 1},  {1000, 50, 2}, {1100, 50, 2}, {1200, 50, 2}, {1500, 50, 3},
		{1600, 50, 3}, {1700, 50, 3}, {2000, 50, 3},
	};

	play(&limit, rows, COUNT_OF(rows));
}

static void one_that_is_quick_says_that_nothing_stands_still(void **state)
{
	static const struct row rows[] = {
		{0, 400, 0},   {100, 400, 0}, {200, 49, 0},
		{300, 400, 0}, {400, 400, 0}, {500, -1, 0},
	};

	play(&limit, rows, COUNT_OF(rows));
}

static void a_spike_is_not_late(void **state)
{
	static const struct row rows[] = {{0, 400, 0}, {450, 400, 0}, {500, -1, 0}, {1000, -1, 0}};

	play(&limit, rows, COUNT_OF(rows));
}

static void the_level_falls_step_by_step_also_when_nothing_happens(void **state)
{
	static const struct row rows[] = {
		{0, 50, 0},   {1, 50, 0},    {2, 50, 0},    {500, 50, 1},  {501, 50, 1},
		{502, 50, 1}, {1000, 50, 2}, {1001, 50, 2}, {1002, 50, 2}, {1500, -1, 3},
		{1600, 1, 3}, {2000, -1, 2}, {2499, -1, 2}, {2500, -1, 1}, {9000, -1, 0},
	};

	play(&limit, rows, COUNT_OF(rows));
}

static void a_long_silence_ends_it_at_once(void **state)
{
	static const struct row rows[] = {
		{0, 50, 0},   {1, 50, 0},   {2, 50, 0},	   {500, 50, 1},
		{501, 50, 1}, {502, 50, 1}, {9000, -1, 0}, {9500, -1, 0},
	};

	play(&limit, rows, COUNT_OF(rows));
}

static void without_a_limit_nothing_is_late(void **state)
{
	static const struct lateness_limit none = {.limit_us = 0, .interval_us = 500 * MS};
	static const struct row rows[] = {{0, 999, 0}, {1, 999, 0}, {2, 999, 0}, {500, 999, 0}};

	play(&none, rows, COUNT_OF(rows));
}

static void low_goes_first_and_critical_never(void **state)
{
	static const char *const refused[] = {"", "l", "nl", "hnl"};

	for (unsigned level = 0; level <= SHEDDING_MOST; level++) {
		char told[PRIORITY_COUNT + 1] = "";
		size_t len = 0;

		for (int i = 0; i < PRIORITY_COUNT; i++) {
			if (shedding_refuses(level, (enum priority)i))
				told[len++] = priority_name((enum priority)i)[0];
		}
		assert_string_equal(told, refused[level]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_late_all_the_time_raises_the_level_until_the_most),
		cmocka_unit_test(one_that_is_quick_says_that_nothing_stands_still),
		cmocka_unit_test(a_spike_is_not_late),
		cmocka_unit_test(the_level_falls_step_by_step_also_when_nothing_happens),
		cmocka_unit_test(a_long_silence_ends_it_at_once),
		cmocka_unit_test(without_a_limit_nothing_is_late),
		cmocka_unit_test(low_goes_first_and_critical_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
