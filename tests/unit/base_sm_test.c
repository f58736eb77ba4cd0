/* State tables: what may follow what. */
#include "base/sm.h"
#include "tests/support/unit.h"

enum { CLOSED, OPEN, GONE };

static const struct sm_state door[] = {
	[CLOSED] = {"closed", SM_BIT(OPEN) | SM_BIT(GONE)},
	[OPEN] = {"open", SM_BIT(CLOSED)},
	[GONE] = {"gone", 0},
};

static void only_the_steps_of_the_table_are_allowed(void **state)
{
	assert_true(sm_may_move(door, CLOSED, OPEN));
	assert_true(sm_may_move(door, OPEN, CLOSED));
	assert_false(sm_may_move(door, OPEN, GONE));
	assert_false(sm_may_move(door, OPEN, OPEN));
	assert_false(sm_may_move(door, GONE, CLOSED));
	assert_false(sm_may_move(door, CLOSED, 32));
	assert_false(sm_may_move(door, CLOSED, 33));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_steps_of_the_table_are_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
