/* Handles: they find their object while it lives, and nobody else's ever after. */
#include <stdlib.h>

#include "base/handle.h"
#include "tests/support/unit.h"

static void finds_the_object_while_it_lives(void **state)
{
	struct handle_table table = {0};
	int object;
	handle h = handle_add(&table, &object);

	assert_true(h != 0);
	assert_ptr_equal(handle_get(&table, h), &object);
	handle_remove(&table, h);
	assert_null(handle_get(&table, h));
	handle_table_deinit(&table);
}

/* The late answer to a call must not reach the next call in the same slot. */
static void an_old_handle_never_finds_the_next_object_in_its_slot(void **state)
{
	struct handle_table table = {0};
	int first, second;
	handle old = handle_add(&table, &first);

	for (int i = 0; i < 1000; i++) {
		handle_remove(&table, old);
		handle next = handle_add(&table, &second);
		assert_int_equal((uint32_t)next, (uint32_t)old);
		assert_null(handle_get(&table, old));
		assert_ptr_equal(handle_get(&table, next), &second);
		old = next;
	}
	handle_table_deinit(&table);
}

static void many_live_at_once(void **state)
{
	enum { COUNT = 10000 };
	struct handle_table table = {0};
	static handle handles[COUNT];
	static int objects[COUNT];

	for (int i = 0; i < COUNT; i++)
		handles[i] = handle_add(&table, &objects[i]);
	for (int i = 0; i < COUNT; i += 2)
		handle_remove(&table, handles[i]);
	assert_int_equal(table.live, COUNT / 2);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(handle_get(&table, handles[i]), i % 2 ? &objects[i] : NULL);
	handle_table_deinit(&table);
}

static void nonsense_is_not_found(void **state)
{
	struct handle_table table = {0};
	int object;

	assert_null(handle_get(&table, 0));
	assert_null(handle_get(&table, UINT64_MAX));
	handle h = handle_add(&table, &object);
	assert_null(handle_get(&table, 0));
	assert_null(handle_get(&table, h + 1));
	assert_null(handle_get(&table, h + (UINT64_C(1) << 32)));
	handle_table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_object_while_it_lives),
		cmocka_unit_test(an_old_handle_never_finds_the_next_object_in_its_slot),
		cmocka_unit_test(many_live_at_once),
		cmocka_unit_test(nonsense_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
