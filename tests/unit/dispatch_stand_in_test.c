/* Whether another plugin may be asked after a call has ended: every outcome, then what is safe. */
#include "dispatch/stand_in.h"
#include "tests/support/unit.h"

/* A call that may go to a stand-in: each test changes one thing about it. */
static const struct stand_in_case unserved = {.outcome = OUTCOME_PLUGIN_NOT_READY,
					      .is_at_hand = true};

static enum stand_in_answer of(enum outcome outcome, bool has_ready)
{
	struct stand_in_case ended = unserved;

	ended.outcome = outcome;
	ended.has_ready = has_ready;
	return stand_in_decide(&ended);
}

static void only_a_plugin_that_cannot_serve_is_stood_in_for(void **state)
{
	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		bool may = i == OUTCOME_PLUGIN_NOT_READY || i == OUTCOME_BREAKER_OPEN ||
			   i == OUTCOME_PLUGIN_GONE;

		assert_int_equal(of((enum outcome)i, true), may ? STAND_IN_MAY : STAND_IN_NO_CAUSE);
	}
}

static void a_full_queue_is_a_cause_only_when_nobody_is_ready(void **state)
{
	assert_int_equal(of(OUTCOME_PLUGIN_OVERLOADED, true), STAND_IN_NO_CAUSE);
	assert_int_equal(of(OUTCOME_PLUGIN_OVERLOADED, false), STAND_IN_MAY);
	assert_int_equal(of(OUTCOME_RATE_LIMITED, false), STAND_IN_NO_CAUSE);
}

static void what_may_have_had_an_effect_goes_to_nobody_else(void **state)
{
	struct stand_in_case ended = unserved;

	ended.may_have_acted = true;
	assert_int_equal(stand_in_decide(&ended), STAND_IN_NO_SAFETY);
	ended.is_idempotent = true;
	assert_int_equal(stand_in_decide(&ended), STAND_IN_MAY);
}

static void nothing_goes_to_another_once_the_answer_has_begun(void **state)
{
	struct stand_in_case ended = unserved;

	ended.is_idempotent = true;
	ended.is_begun = true;
	assert_int_equal(stand_in_decide(&ended), STAND_IN_NO_SAFETY);
}

static void what_is_not_at_hand_cannot_be_asked_again(void **state)
{
	struct stand_in_case ended = unserved;

	ended.is_at_hand = false;
	assert_int_equal(stand_in_decide(&ended), STAND_IN_NO_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_plugin_that_cannot_serve_is_stood_in_for),
		cmocka_unit_test(a_full_queue_is_a_cause_only_when_nobody_is_ready),
		cmocka_unit_test(what_may_have_had_an_effect_goes_to_nobody_else),
		cmocka_unit_test(nothing_goes_to_another_once_the_answer_has_begun),
		cmocka_unit_test(what_is_not_at_hand_cannot_be_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
