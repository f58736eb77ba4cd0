/* The pure parts of dispatch: the limit with its waiting room, deadlines, and the table of
 * outcomes. */
#include "dispatch/deadline.h"
#include "dispatch/limit.h"
#include "dispatch/outcome.h"
#include "tests/support/unit.h"

static void runs_as_many_as_allowed_then_lets_wait_then_refuses(void **state)
{
	struct limit limit = {.max_running = 2, .max_waiting = 1};

	assert_int_equal(limit_enter(&limit), LIMIT_RUN);
	assert_int_equal(limit_enter(&limit), LIMIT_RUN);
	assert_int_equal(limit_enter(&limit), LIMIT_WAIT);
	assert_int_equal(limit_enter(&limit), LIMIT_REFUSE);
	assert_int_equal(limit.running, 2);
	assert_int_equal(limit.waiting, 1);
}

static void a_place_goes_to_who_waits(void **state)
{
	struct limit limit = {.max_running = 1, .max_waiting = 2};

	limit_enter(&limit);
	limit_enter(&limit);
	assert_false(limit_next(&limit));
	limit_leave(&limit);
	assert_true(limit_next(&limit));
	assert_int_equal(limit.running, 1);
	assert_int_equal(limit.waiting, 0);
}

static void nobody_overtakes_who_waits(void **state)
{
	struct limit limit = {.max_running = 1, .max_waiting = 2};

	limit_enter(&limit);
	limit_enter(&limit);
	limit_leave(&limit);
	assert_int_equal(limit_enter(&limit), LIMIT_WAIT);
}

static void who_gives_up_leaves_a_place_in_the_queue(void **state)
{
	struct limit limit = {.max_running = 1, .max_waiting = 1};

	limit_enter(&limit);
	limit_enter(&limit);
	limit_abandon(&limit);
	assert_int_equal(limit_enter(&limit), LIMIT_WAIT);
}

static void without_a_queue_the_next_is_refused(void **state)
{
	struct limit limit = {.max_running = 1, .max_waiting = 0};

	limit_enter(&limit);
	assert_int_equal(limit_enter(&limit), LIMIT_REFUSE);
	limit_leave(&limit);
	assert_int_equal(limit_enter(&limit), LIMIT_RUN);
}

static void a_deadline_is_the_sum_and_never_overflows(void **state)
{
	static const struct {
		int64_t now, timeout, expected;
	} rows[] = {
		{1000, 250, 1250},
		{1000, 0, DEADLINE_NEVER},
		{1000, -5, DEADLINE_NEVER},
		{1000, INT64_MAX, DEADLINE_NEVER},
		{0, INT64_MAX - 1, INT64_MAX - 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(deadline_in(rows[i].now, rows[i].timeout), rows[i].expected);
	assert_int_equal(deadline_earlier(5, DEADLINE_NEVER), 5);
	assert_int_equal(deadline_earlier(7, 6), 6);
}

static void what_is_left_is_never_told_as_unlimited_when_it_is_over(void **state)
{
	static const struct {
		int64_t deadline, now;
		uint32_t expected;
	} rows[] = {
		{1250, 1000, 250},	 {1000, 1000, 1}, {1000, 5000, 1},
		{DEADLINE_NEVER, 10, 0}, {1001, 1000, 1}, {INT64_C(1) << 40, 0, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(deadline_left_ms(rows[i].deadline, rows[i].now), rows[i].expected);
}

static void canonical_codes_are_their_own_outcomes(void **state)
{
	for (uint32_t code = 0; code <= 16; code++) {
		assert_int_equal(outcome_from_code(code), code);
		assert_int_equal(outcome_row((enum outcome)code)->code, code);
	}
	assert_int_equal(outcome_from_code(17), OUTCOME_UNKNOWN);
	assert_int_equal(outcome_from_code(UINT32_MAX), OUTCOME_UNKNOWN);
}

static void every_outcome_has_a_status_a_code_and_a_name_of_its_own(void **state)
{
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		const struct outcome_row *row = outcome_row((enum outcome)i);

		assert_in_range(row->http_status, 200, 599);
		assert_in_range(row->code, 0, 16);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(row->name, outcome_row((enum outcome)k)->name);
	}
	assert_int_equal(outcome_row(OUTCOME_PLUGIN_GONE)->http_status, 502);
	assert_int_equal(outcome_row(OUTCOME_PLUGIN_OVERLOADED)->http_status, 503);
	assert_int_equal(outcome_row(OUTCOME_DEADLINE_EXCEEDED)->http_status, 504);
}

static void what_the_caller_did_wrong_does_not_count_against_the_plugin(void **state)
{
	static const enum outcome callers[] = {OUTCOME_OK,
					       OUTCOME_CANCELLED,
					       OUTCOME_INVALID_ARGUMENT,
					       OUTCOME_NOT_FOUND,
					       OUTCOME_ALREADY_EXISTS,
					       OUTCOME_PERMISSION_DENIED,
					       OUTCOME_FAILED_PRECONDITION,
					       OUTCOME_OUT_OF_RANGE,
					       OUTCOME_UNAUTHENTICATED};

	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++)
		assert_false(outcome_row(callers[i])->counts_for_breaker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_as_many_as_allowed_then_lets_wait_then_refuses),
		cmocka_unit_test(a_place_goes_to_who_waits),
		cmocka_unit_test(nobody_overtakes_who_waits),
		cmocka_unit_test(who_gives_up_leaves_a_place_in_the_queue),
		cmocka_unit_test(without_a_queue_the_next_is_refused),
		cmocka_unit_test(a_deadline_is_the_sum_and_never_overflows),
		cmocka_unit_test(what_is_left_is_never_told_as_unlimited_when_it_is_over),
		cmocka_unit_test(canonical_codes_are_their_own_outcomes),
		cmocka_unit_test(every_outcome_has_a_status_a_code_and_a_name_of_its_own),
		cmocka_unit_test(what_the_caller_did_wrong_does_not_count_against_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
