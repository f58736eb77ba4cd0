/* The table of clients' buckets: each client has its own, nobody gets a fresh one by coming with
 * many names, and who has asked least is merged first. */
#include "edge/clients.h"
#include "tests/support/unit.h"

#define NOW INT64_C(5000000000)

static const struct siphash_key key = {{1, 2}};
static const struct tokens_rate rate = {.per_second = 10, .burst = 20};

static bool ask(struct clients *clients, unsigned name, int64_t now_us)
{
	int64_t wait_ms;

	return clients_take(clients, &name, sizeof(name), 0, rate, now_us, &wait_ms);
}

static unsigned ask_all(struct clients *clients, unsigned name, int64_t now_us)
{
	unsigned count = 0;

	while (count < 1000 && ask(clients, name, now_us))
		count++;
	return count;
}

static void the_hash_is_that_of_the_paper(void **state)
{
	struct siphash_key k;
	uint8_t bytes[16];

	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	memcpy(&k, bytes, sizeof(k));
	assert_true(siphash(&k, "", 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&k, bytes, 8) == UINT64_C(0x93f5f5799a932462));
	assert_true(siphash(&k, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
}

static void each_client_has_a_bucket_of_its_own(void **state)
{
	struct clients *clients = clients_new(1000, &key);

	for (unsigned name = 0; name < 50; name++)
		assert_int_equal(ask_all(clients, name, NOW), 20);
	for (unsigned name = 0; name < 50; name++)
		assert_int_equal(ask_all(clients, name, NOW), 0);
	for (unsigned name = 0; name < 50; name++)
		assert_int_equal(ask_all(clients, name, NOW + 500000), 5);
	clients_free(clients);
}

static void one_client_under_two_limits_has_two_buckets(void **state)
{
	struct clients *clients = clients_new(1000, &key);
	struct tokens_rate small = {.per_second = 1, .burst = 1};
	int64_t wait_ms;

	assert_int_equal(ask_all(clients, 7, NOW), 20);
	assert_true(
		clients_take(clients, &(unsigned){7}, sizeof(unsigned), 99, small, NOW, &wait_ms));
	assert_false(
		clients_take(clients, &(unsigned){7}, sizeof(unsigned), 99, small, NOW, &wait_ms));
	assert_in_range(wait_ms, 1000, 1001);
	clients_free(clients);
}

static void many_names_get_no_more_than_the_table_has_room_for(void **state)
{
	struct clients *clients = clients_new(80, &key);
	unsigned passed = 0;

	for (unsigned name = 0; name < 100000; name++)
		passed += ask(clients, name, NOW);
	assert_in_range(passed, 1, 80 * 20);
	clients_free(clients);
}

static void who_has_asked_most_is_remembered_whoever_comes(void **state)
{
	struct clients *clients = clients_new(8, &key); /* one set */

	assert_int_equal(ask_all(clients, 1, NOW), 20);
	for (unsigned name = 100; name < 150; name++) /* 50 requests, 7 places */
		ask(clients, name, NOW);
	assert_int_equal(ask_all(clients, 1, NOW), 0);
	clients_free(clients);
}

static void a_bucket_that_is_full_again_costs_a_newcomer_nothing(void **state)
{
	struct clients *clients = clients_new(8, &key);

	for (unsigned name = 0; name < 8; name++)
		ask_all(clients, name, NOW);
	for (unsigned name = 100; name < 108; name++)
		assert_int_equal(ask_all(clients, name, NOW + 2000000), 20);
	clients_free(clients);
}

static void a_newcomer_in_a_full_set_owes_the_least_that_somebody_owes(void **state)
{
	struct clients *clients = clients_new(8, &key);

	for (unsigned name = 0; name < 8; name++)
		ask_all(clients, name, NOW + (name == 3 ? 0 : 1000000));
	assert_int_equal(ask_all(clients, 100, NOW + 1000000), 10);
	clients_free(clients);
}

static void what_a_client_has_left_is_its_own(void **state)
{
	struct clients *clients = clients_new(64, &key);

	assert_int_equal(clients_left(clients, &(unsigned){1}, sizeof(unsigned), 0, rate, NOW), 20);
	for (int i = 0; i < 5; i++)
		assert_true(ask(clients, 1, NOW));
	assert_int_equal(clients_left(clients, &(unsigned){1}, sizeof(unsigned), 0, rate, NOW), 15);
	assert_int_equal(clients_left(clients, &(unsigned){1}, sizeof(unsigned), 9, rate, NOW), 20);
	assert_int_equal(clients_left(clients, &(unsigned){2}, sizeof(unsigned), 0, rate, NOW), 20);
	clients_free(clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_that_of_the_paper),
		cmocka_unit_test(each_client_has_a_bucket_of_its_own),
		cmocka_unit_test(one_client_under_two_limits_has_two_buckets),
		cmocka_unit_test(many_names_get_no_more_than_the_table_has_room_for),
		cmocka_unit_test(who_has_asked_most_is_remembered_whoever_comes),
		cmocka_unit_test(a_bucket_that_is_full_again_costs_a_newcomer_nothing),
		cmocka_unit_test(a_newcomer_in_a_full_set_owes_the_least_that_somebody_owes),
		cmocka_unit_test(what_a_client_has_left_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
