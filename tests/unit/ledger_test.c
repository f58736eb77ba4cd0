/* The numbers of generations: none comes twice under a name. */
#include "ledger.h"

#include "tests/support/unit.h"

static void counts_from_one(void **state)
{
	struct ledger ledger = {0};

	for (uint32_t i = 1; i < 10; i++)
		assert_int_equal(ledger_next(&ledger, "echo"), i);
	ledger_deinit(&ledger);
}

static void each_name_has_a_count_of_its_own(void **state)
{
	struct ledger ledger = {0};

	for (uint32_t i = 1; i < 10; i++) {
		assert_int_equal(ledger_next(&ledger, "echo"), i);
		assert_int_equal(ledger_next(&ledger, "echo2"), i);
		assert_int_equal(ledger_next(&ledger, "ech"), i);
	}
	ledger_deinit(&ledger);
}

/* As when a plugin is removed and added again: the text that it was asked with is gone. */
static void a_name_is_known_again_by_its_letters(void **state)
{
	struct ledger ledger = {0};
	char name[] = "echo";

	assert_int_equal(ledger_next(&ledger, name), 1);
	name[0] = 'E';
	assert_int_equal(ledger_next(&ledger, "echo"), 2);
	assert_int_equal(ledger_next(&ledger, name), 1);
	ledger_deinit(&ledger);
}

static void an_empty_one_owns_nothing(void **state)
{
	struct ledger ledger = {0};

	ledger_deinit(&ledger);
	assert_null(ledger.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_from_one),
		cmocka_unit_test(each_name_has_a_count_of_its_own),
		cmocka_unit_test(a_name_is_known_again_by_its_letters),
		cmocka_unit_test(an_empty_one_owns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
