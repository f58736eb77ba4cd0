/* Who fails too often is not heard for a while, and nobody else is harmed or helped by it. */
#include "identity/lockout.h"
#include "tests/support/unit.h"

static const struct siphash_key key = {{1, 2}};
static const struct lockout_opts opts = {
	.failures = 3, .window_ms = 1000, .first_ms = 100, .longest_ms = 350};

static struct lockout *lockout;

static int setup(void **state)
{
	lockout = lockout_new(&key);
	return 0;
}

static int teardown(void **state)
{
	lockout_free(lockout);
	return 0;
}

static uint64_t name(unsigned number)
{
	struct ip ip = {.kind = IP_V4};

	memcpy(ip.bytes, &number, sizeof(number));
	return lockout_name(lockout, &ip, STR_LITERAL("basic"), STR_LITERAL("ann"));
}

/* Fails so often at that time; returns whether the last one locked it out. */
static bool fails(uint64_t who, unsigned times, int64_t now_ms)
{
	bool is_locked = false;

	while (times-- > 0)
		is_locked = lockout_count(lockout, &opts, who, now_ms);
	return is_locked;
}

static void the_last_failure_that_may_be_locks_out(void **state)
{
	assert_false(fails(name(1), 2, 0));
	assert_int_equal(lockout_left_ms(lockout, name(1), 0), 0);
	assert_true(fails(name(1), 1, 10));
	assert_int_equal(lockout_left_ms(lockout, name(1), 10), 100);
	assert_int_equal(lockout_left_ms(lockout, name(1), 109), 1);
	assert_int_equal(lockout_left_ms(lockout, name(1), 110), 0);
	assert_int_equal(lockout_left_ms(lockout, name(2), 10), 0);
}

static void each_time_lasts_twice_as_long_and_never_longer_than_the_longest(void **state)
{
	static const int64_t lasts[] = {100, 200, 350, 350};
	int64_t now_ms = 0;

	for (size_t i = 0; i < COUNT_OF(lasts); i++) {
		assert_true(fails(name(1), 3, now_ms));
		assert_int_equal(lockout_left_ms(lockout, name(1), now_ms), lasts[i]);
		now_ms += lasts[i];
	}
}

static void a_window_without_failures_is_a_new_beginning(void **state)
{
	assert_false(fails(name(1), 2, 0));
	assert_false(fails(name(1), 2, 1000));
	assert_true(fails(name(1), 1, 1500));
	assert_true(fails(name(1), 3, 1500 + 100 + 1000));
	assert_int_equal(lockout_left_ms(lockout, name(1), 2600), 100);
}

static void a_success_is_forgiven_everything(void **state)
{
	fails(name(1), 3, 0);
	fails(name(1), 2, 100);
	lockout_forgive(lockout, name(1));
	assert_false(fails(name(1), 2, 100));
	assert_true(fails(name(1), 1, 100));
	assert_int_equal(lockout_left_ms(lockout, name(1), 100), 100);
	lockout_forgive(lockout, name(99));
}

static void names_tell_address_method_and_user_apart(void **state)
{
	struct ip ip = {.kind = IP_V4}, other = {.kind = IP_V4, .bytes = {1}};
	struct str basic = STR_LITERAL("basic"), ann = STR_LITERAL("ann");
	uint64_t who = lockout_name(lockout, &ip, basic, ann);

	assert_int_equal(lockout_name(lockout, &ip, basic, ann), who);
	assert_int_not_equal(lockout_name(lockout, &other, basic, ann), who);
	assert_int_not_equal(lockout_name(lockout, &ip, STR_LITERAL("jwt"), ann), who);
	assert_int_not_equal(lockout_name(lockout, &ip, basic, STR_LITERAL("an")), who);
}

static void without_a_limit_nobody_is_locked_out(void **state)
{
	struct lockout_opts off = opts;

	off.failures = 0;
	for (unsigned i = 0; i < 100; i++)
		assert_false(lockout_count(lockout, &off, name(1), 0));
}

/* Many others fail now and then: they push out each other. */
static void whoever_comes_who_is_locked_out_stays_locked_out(void **state)
{
	fails(name(0), 3, 0);
	for (unsigned i = 1; i < 20 * LOCKOUT_PLACES; i++)
		fails(name(i), 1, 1);
	assert_int_equal(lockout_left_ms(lockout, name(0), 1), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_failure_that_may_be_locks_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			each_time_lasts_twice_as_long_and_never_longer_than_the_longest, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_window_without_failures_is_a_new_beginning, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_success_is_forgiven_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(names_tell_address_method_and_user_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_a_limit_nobody_is_locked_out, setup,
						teardown),
		cmocka_unit_test_setup_teardown(whoever_comes_who_is_locked_out_stays_locked_out,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
