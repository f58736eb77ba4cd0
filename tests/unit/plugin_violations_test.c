/* Every way in which a plugin can get its calls wrong, and what is not wrong although it looks
 * so. */
#include "observe/errors.h"
#include "tests/support/calls_world.h"
#include "tests/support/unit.h"

/* ---- violations ---- */

static void an_answer_to_nobodys_call_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_responds(world, 4711, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_second_answer_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, true);
	plugin_responds(world, id, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void an_answer_with_the_id_of_the_slots_last_call_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t old = start(world, 0, true)->id;

	plugin_responds(world, old, 0, 0, true);
	start(world, 0, true);
	plugin_responds(world, old, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_second_response_within_an_answer_is_a_violation(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, false);
	plugin_responds(world, id, 0, 0, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void data_before_the_response_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_sends_data(world, start(world, 0, true)->id, 1, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_failure_that_does_not_end_the_call_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_responds(world, start(world, 0, true)->id, 5, 0, false);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void taking_back_an_answer_that_was_not_given_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_cancels(world, start(world, 0, true)->id, 1);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void endless_credit_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_gives_credit(world, 0, 0x7fffffff);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_WINDOW);
}

static void credit_for_a_call_that_has_just_ended_is_nothing(void **state)
{
	struct world *world = *state;
	uint32_t id = start(world, 0, true)->id;

	plugin_responds(world, id, 0, 0, true);
	plugin_gives_credit(world, id, 10);
	assert_int_equal(world->violation.code, 0);
}

/* ---- the plugin's own calls ---- */

static void a_plugins_call_is_answered_once(void **state)
{
	struct world *world = *state;
	struct incoming_answer answer = {.code = 0};

	plugin_calls(world, 2, 3, false, true);
	assert_int_equal(world->incoming_id, 2);
	incoming_answer(&world->calls.incoming, 2, &answer);
	incoming_answer(&world->calls.incoming, 2, &answer);
	assert_string_equal(host_said(world), "response(2,0) ");
	plugin_calls(world, 2, 3, false, true);
	assert_int_equal(world->violation.code, 0);
}

static void a_plugins_long_request_is_refused_with_a_code(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 3, true, false);
	assert_string_equal(host_said(world), "response(2,8) ");
	plugin_sends_data(world, 2, 3, true);
	assert_int_equal(world->violation.code, 0);
	assert_int_equal(world->incoming_id, 0);
}

static void a_plugins_call_with_an_odd_or_live_id_is_a_violation(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 2, 0, false, true);
	plugin_calls(world, 2, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void a_plugin_may_not_use_the_hosts_ids(void **state)
{
	struct world *world = *state;

	plugin_calls(world, 3, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

static void more_calls_than_were_allowed_are_a_violation(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 1; i <= INCOMING_MAX_CALLS; i++)
		plugin_calls(world, 2 * i, 0, false, true);
	assert_int_equal(world->violation.code, 0);
	plugin_calls(world, 2 * INCOMING_MAX_CALLS + 2, 0, false, true);
	assert_int_equal(world->violation.code, ERR_PROTOCOL_CALL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_world_setup, calls_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_to_nobodys_call_is_a_violation),
		TEST(a_second_answer_is_a_violation),
		TEST(an_answer_with_the_id_of_the_slots_last_call_is_a_violation),
		TEST(a_second_response_within_an_answer_is_a_violation),
		TEST(data_before_the_response_is_a_violation),
		TEST(a_failure_that_does_not_end_the_call_is_a_violation),
		TEST(taking_back_an_answer_that_was_not_given_is_a_violation),
		TEST(endless_credit_is_a_violation),
		TEST(credit_for_a_call_that_has_just_ended_is_nothing),
		TEST(a_plugins_call_is_answered_once),
		TEST(a_plugins_long_request_is_refused_with_a_code),
		TEST(a_plugins_call_with_an_odd_or_live_id_is_a_violation),
		TEST(a_plugin_may_not_use_the_hosts_ids),
		TEST(more_calls_than_were_allowed_are_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
