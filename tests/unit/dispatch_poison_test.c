/* Which requests are convicted of making a plugin die, and how they come out again: deaths as
 * conversations. A request is a letter, a death a number. */
#include <string.h>

#include "dispatch/poison.h"
#include "tests/support/unit.h"

#define NOW  1000000
#define KEEP 600000

static const int deaths[100];

static struct fingerprint of(char request)
{
	struct fingerprint fingerprint;

	memset(fingerprint.bytes, request, sizeof(fingerprint.bytes));
	return fingerprint;
}

static void suspect(struct poison *poison, unsigned death, const char *requests)
{
	for (; *requests; requests++) {
		struct fingerprint fingerprint = of(*requests);

		poison_suspect(poison, &deaths[death], &fingerprint, "s/m");
	}
}

/* Returns how many were convicted. */
static unsigned judge(struct poison *poison, unsigned death, bool is_own_fault)
{
	unsigned convicted = poison_judge(poison, &deaths[death], is_own_fault, KEEP, NOW);

	poison_forget_death(poison, &deaths[death]);
	assert_int_equal(poison->pending, 0);
	return convicted;
}

static unsigned die_of(struct poison *poison, unsigned death, const char *requests)
{
	suspect(poison, death, requests);
	return judge(poison, death, true);
}

static bool refuses(struct poison *poison, char request, int64_t now_ms)
{
	struct fingerprint fingerprint = of(request);

	return poison_refuses(poison, &fingerprint, now_ms);
}

static void answered(struct poison *poison, char request)
{
	struct fingerprint fingerprint = of(request);

	poison_exonerate(poison, &fingerprint);
}

static void two_deaths_convict_who_was_alone(void **state)
{
	struct poison poison = {0};

	assert_true(poison_is_empty(&poison));
	assert_int_equal(die_of(&poison, 1, "a"), 0);
	assert_false(refuses(&poison, 'a', NOW));
	assert_int_equal(die_of(&poison, 2, "a"), 1);
	assert_true(refuses(&poison, 'a', NOW));
	assert_false(refuses(&poison, 'b', NOW));
	poison_deinit(&poison);
}

static void who_shared_the_deaths_needs_a_third(void **state)
{
	struct poison poison = {0};

	assert_int_equal(die_of(&poison, 1, "ab"), 0);
	assert_int_equal(die_of(&poison, 2, "ab"), 0);
	assert_int_equal(die_of(&poison, 3, "ab"), 2);
	poison_deinit(&poison);
}

static void who_shared_the_first_and_was_alone_at_the_second_is_convicted(void **state)
{
	struct poison poison = {0};

	assert_int_equal(die_of(&poison, 1, "ab"), 0);
	assert_int_equal(die_of(&poison, 2, "a"), 1);
	assert_false(refuses(&poison, 'b', NOW));
	poison_deinit(&poison);
}

static void an_answer_clears_a_suspect_and_no_convict(void **state)
{
	struct poison poison = {0};

	die_of(&poison, 1, "a");
	answered(&poison, 'a');
	assert_true(poison_is_empty(&poison));
	die_of(&poison, 2, "a");
	assert_int_equal(die_of(&poison, 3, "a"), 1);
	answered(&poison, 'a');
	assert_true(refuses(&poison, 'a', NOW));
	poison_deinit(&poison);
}

static void a_death_by_others_leaves_no_trace(void **state)
{
	struct poison poison = {0};

	suspect(&poison, 1, "ab");
	assert_int_equal(judge(&poison, 1, false), 0);
	assert_true(poison_is_empty(&poison));
	die_of(&poison, 2, "a");
	suspect(&poison, 3, "a");
	assert_int_equal(judge(&poison, 3, false), 0);
	assert_int_equal(poison.rows[0].deaths, 1);
	poison_deinit(&poison);
}

static void who_waits_for_a_verdict_is_kept(void **state)
{
	struct poison poison = {0};

	suspect(&poison, 1, "a");
	answered(&poison, 'a');
	poison_clear(&poison);
	assert_int_equal(poison.count, 1);
	judge(&poison, 1, true);
	assert_int_equal(poison.rows[0].deaths, 1);
	poison_deinit(&poison);
}

static void the_same_request_twice_at_one_death_is_one_suspect(void **state)
{
	struct poison poison = {0};

	assert_int_equal(die_of(&poison, 1, "aaa"), 0);
	assert_int_equal(poison.rows[0].deaths, 1);
	poison_deinit(&poison);
}

static void its_time_ends(void **state)
{
	struct poison poison = {0};

	die_of(&poison, 1, "a");
	die_of(&poison, 2, "a");
	assert_true(refuses(&poison, 'a', NOW + KEEP - 1));
	assert_false(refuses(&poison, 'a', NOW + KEEP));
	assert_true(poison_is_empty(&poison));
	poison_deinit(&poison);
}

static void one_is_released_by_its_name(void **state)
{
	struct poison poison = {0};
	struct fingerprint a = of('a');
	char id[POISON_ID_TEXT];

	die_of(&poison, 1, "a");
	die_of(&poison, 2, "a");
	assert_false(poison_release(&poison, "6262626262626262"));
	assert_string_equal(poison_id(id, &a), "6161616161616161");
	assert_true(poison_release(&poison, id));
	assert_false(refuses(&poison, 'a', NOW));
	poison_deinit(&poison);
}

static void the_oldest_suspect_makes_room_and_no_convict(void **state)
{
	struct poison poison = {0};
	char request[2] = {'a', '\0'};

	die_of(&poison, 1, "a");
	die_of(&poison, 2, "a");
	for (int i = 0; i < POISON_MAX; i++) {
		request[0] = (char)('A' - 1 - i);
		die_of(&poison, 3, request);
	}
	assert_int_equal(poison.count, POISON_MAX);
	assert_true(refuses(&poison, 'a', NOW));
	request[0] = 'A' - 1;
	assert_int_equal(die_of(&poison, 4, request), 0); /* forgotten: its second is its first */
	poison_deinit(&poison);
}

static void nothing_is_kept_for_no_time(void **state)
{
	struct poison poison = {0};

	suspect(&poison, 1, "a");
	assert_int_equal(poison_judge(&poison, &deaths[1], true, 0, NOW), 0);
	assert_true(poison_is_empty(&poison));
	poison_deinit(&poison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_deaths_convict_who_was_alone),
		cmocka_unit_test(who_shared_the_deaths_needs_a_third),
		cmocka_unit_test(who_shared_the_first_and_was_alone_at_the_second_is_convicted),
		cmocka_unit_test(an_answer_clears_a_suspect_and_no_convict),
		cmocka_unit_test(a_death_by_others_leaves_no_trace),
		cmocka_unit_test(who_waits_for_a_verdict_is_kept),
		cmocka_unit_test(the_same_request_twice_at_one_death_is_one_suspect),
		cmocka_unit_test(its_time_ends),
		cmocka_unit_test(one_is_released_by_its_name),
		cmocka_unit_test(the_oldest_suspect_makes_room_and_no_convict),
		cmocka_unit_test(nothing_is_kept_for_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
