/* A ticket is taken as long as it lives, whatever turns meanwhile, and not longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/ticket_keys.h"

#define LIFE_MS 40000
#define TURN_MS (LIFE_MS / TICKET_TURNS)

static struct ticket_secrets secrets_of(uint8_t mark)
{
	struct ticket_secrets secrets;

	memset(&secrets, mark, sizeof(secrets));
	return secrets;
}

/* As tls_tickets.c does it, with a mark in the place of randomness. */
static void turn_if_due(struct ticket_keys *keys, int64_t now_ms, uint8_t *mark)
{
	struct ticket_secrets secrets = secrets_of(*mark);

	if (now_ms < ticket_keys_due_ms(keys, LIFE_MS))
		return;
	(*mark)++;
	ticket_keys_turn(keys, now_ms, LIFE_MS, &secrets);
}

static bool is_taken(const struct ticket_keys *keys, uint8_t mark, int64_t now_ms)
{
	struct ticket_secrets secrets = secrets_of(mark);
	const struct ticket_secrets *found = ticket_keys_find(keys, secrets.name, now_ms, LIFE_MS);

	assert_true(!found || memcmp(found, &secrets, sizeof(secrets)) == 0);
	return found;
}

/* Two lives long, each millisecond-hundred: every ticket of the last life is taken, and no key is
 * taken that could not have sealed one. */
static void every_ticket_is_taken_for_its_life(void **state)
{
	struct ticket_keys keys = {0};
	uint8_t sealed_with[2 * LIFE_MS / 100];
	uint8_t mark = 1;

	for (int64_t now_ms = 0; now_ms < 2 * LIFE_MS; now_ms += 100) {
		turn_if_due(&keys, now_ms, &mark);
		sealed_with[now_ms / 100] = ticket_keys_newest(&keys)->name[0];
		for (int64_t then_ms = 0; then_ms <= now_ms; then_ms += 100) {
			if (now_ms - then_ms < LIFE_MS)
				assert_true(is_taken(&keys, sealed_with[then_ms / 100], now_ms));
			if (now_ms - then_ms >= LIFE_MS + TURN_MS)
				assert_false(is_taken(&keys, sealed_with[then_ms / 100], now_ms));
		}
	}
	assert_true(mark > 2 * TICKET_TURNS);
}

/* Nobody turned for a long time: the host was busy, or the machine asleep. */
static void a_key_whose_time_is_over_is_not_taken_though_it_is_there(void **state)
{
	struct ticket_keys keys = {0};
	uint8_t mark = 1;

	turn_if_due(&keys, 5, &mark);
	assert_true(is_taken(&keys, 1, 5 + LIFE_MS + TURN_MS - 1));
	assert_false(is_taken(&keys, 1, 5 + LIFE_MS + TURN_MS));
	turn_if_due(&keys, 5 + LIFE_MS + TURN_MS, &mark);
	assert_int_equal(keys.count, 1);
	assert_int_equal(ticket_keys_newest(&keys)->name[0], 2);
}

static void what_is_dropped_is_wiped(void **state)
{
	static const struct ticket_key zero;
	struct ticket_keys keys = {0};
	uint8_t mark = 1;

	turn_if_due(&keys, 0, &mark);
	turn_if_due(&keys, TURN_MS, &mark);
	turn_if_due(&keys, 10 * LIFE_MS, &mark);
	assert_int_equal(keys.count, 1);
	for (unsigned i = 1; i < TICKET_KEYS_MAX; i++)
		assert_memory_equal(&keys.items[i], &zero, sizeof(zero));
}

static void there_are_never_too_many(void **state)
{
	struct ticket_keys keys = {0};

	for (int i = 0; i < 20; i++) {
		struct ticket_secrets secrets = secrets_of((uint8_t)i);
		ticket_keys_turn(&keys, i, LIFE_MS, &secrets);
	}
	assert_int_equal(keys.count, TICKET_KEYS_MAX);
	assert_int_equal(ticket_keys_newest(&keys)->name[0], 19);
	assert_true(is_taken(&keys, 19 - TICKET_KEYS_MAX + 1, 20));
	assert_false(is_taken(&keys, 19 - TICKET_KEYS_MAX, 20));
}

static void names_that_were_never_given_are_not_found(void **state)
{
	struct ticket_keys keys = {0};
	uint8_t mark = 1;

	assert_false(is_taken(&keys, 0, 0)); /* all bytes zero, as unused memory is */
	turn_if_due(&keys, 0, &mark);
	assert_false(is_taken(&keys, 0, 0));
	assert_false(is_taken(&keys, 2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ticket_is_taken_for_its_life),
		cmocka_unit_test(a_key_whose_time_is_over_is_not_taken_though_it_is_there),
		cmocka_unit_test(what_is_dropped_is_wiped),
		cmocka_unit_test(there_are_never_too_many),
		cmocka_unit_test(names_that_were_never_given_are_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
