/* The table of error codes: each number once, in order, and complete. */
#include <ctype.h>

#include "observe/errors.h"
#include "tests/support/unit.h"

static void numbers_rise_so_none_is_used_twice(void **state)
{
	for (size_t i = 1; i < error_row_count; i++)
		assert_true(error_rows[i - 1].number < error_rows[i].number);
}

static void names_are_used_once(void **state)
{
	for (size_t i = 0; i < error_row_count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(error_rows[i].name, error_rows[j].name);
	}
}

static void every_row_says_what_happened_and_what_helps(void **state)
{
	for (size_t i = 0; i < error_row_count; i++) {
		const struct error_row *row = &error_rows[i];
		assert_in_range(row->number, 1000, 2099);
		assert_true(isupper((unsigned char)row->what[0]));
		assert_true(isupper((unsigned char)row->remedy[0]) ||
			    islower((unsigned char)row->remedy[0]));
		assert_int_not_equal(row->what[strlen(row->what) - 1], '.');
		assert_int_not_equal(row->remedy[strlen(row->remedy) - 1], '.');
	}
}

static void a_number_finds_its_row_and_only_its_row(void **state)
{
	for (size_t i = 0; i < error_row_count; i++)
		assert_ptr_equal(error_find(error_rows[i].number), &error_rows[i]);
	assert_null(error_find(0));
	assert_null(error_find(-1));
	assert_null(error_find(999));
	assert_null(error_find(2100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_rise_so_none_is_used_twice),
		cmocka_unit_test(names_are_used_once),
		cmocka_unit_test(every_row_says_what_happened_and_what_helps),
		cmocka_unit_test(a_number_finds_its_row_and_only_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
