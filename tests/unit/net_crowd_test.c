/* Connections of each client, counted and limited. */
#include "net/crowd.h"
#include "tests/support/unit.h"

static struct ip ip_of(const char *text)
{
	struct ip ip;
	unsigned port;

	assert_true(ip_parse_node(str_from(text), &ip, &port));
	return ip;
}

static void each_client_has_so_many_and_is_told_once(void **state)
{
	struct crowd crowd = {0};
	struct ip one = ip_of("192.0.2.7"), other = ip_of("192.0.2.8");

	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_IN);
	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_IN);
	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_FULL);
	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_FULL_AGAIN);
	assert_int_equal(crowd_enter(&crowd, &other, 2), CROWD_IN);
	crowd_leave(&crowd, &one);
	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_IN);
	assert_int_equal(crowd_enter(&crowd, &one, 2), CROWD_FULL_AGAIN);
	crowd_leave(&crowd, &one);
	crowd_leave(&crowd, &one);
	assert_int_equal(crowd_enter(&crowd, &one, 1), CROWD_IN);
	assert_int_equal(crowd_enter(&crowd, &one, 1), CROWD_FULL); /* news again */
	crowd_leave(&crowd, &one);
	crowd_leave(&crowd, &other);
	assert_null(crowd.members);
}

static void a_64_is_one_client(void **state)
{
	struct crowd crowd = {0};
	struct ip one = ip_of("2001:db8::1"), same = ip_of("2001:db8::ffff:2");
	struct ip other = ip_of("2001:db8:0:1::1");

	assert_int_equal(crowd_enter(&crowd, &one, 1), CROWD_IN);
	assert_int_equal(crowd_enter(&crowd, &same, 1), CROWD_FULL);
	assert_int_equal(crowd_enter(&crowd, &other, 1), CROWD_IN);
	crowd_leave(&crowd, &same);
	crowd_leave(&crowd, &other);
	assert_null(crowd.members);
}

static void without_a_limit_or_an_address_all_come_in(void **state)
{
	struct crowd crowd = {0};
	struct ip one = ip_of("192.0.2.7"), local = ip_of("unix");

	for (int i = 0; i < 100; i++) {
		assert_int_equal(crowd_enter(&crowd, &one, 0), CROWD_IN);
		assert_int_equal(crowd_enter(&crowd, &local, 1), CROWD_IN);
	}
	assert_int_equal(crowd_enter(&crowd, &one, 100), CROWD_FULL);
	for (int i = 0; i < 100; i++) {
		crowd_leave(&crowd, &one);
		crowd_leave(&crowd, &local);
	}
	assert_null(crowd.members);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_client_has_so_many_and_is_told_once),
		cmocka_unit_test(a_64_is_one_client),
		cmocka_unit_test(without_a_limit_or_an_address_all_come_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
