/* What becomes of a canary: its share of the calls, and each reason to end it. */
#include "dispatch/canary.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

#define FOR_MS 30000

static struct canary canary_with(struct canary_opts opts)
{
	struct canary canary;

	opts.for_ms = FOR_MS;
	canary_init(&canary, &opts, 1);
	return canary;
}

static void count(struct canary_side *side, unsigned calls, enum outcome outcome, int64_t us)
{
	for (unsigned i = 0; i < calls; i++)
		canary_count(side, outcome, us);
}

/* The verdict, and the sentence of a failure ("" for none). */
static enum canary_verdict judge(const struct canary *canary, int64_t elapsed_ms,
				 const char **said_out)
{
	static struct err err;
	enum canary_verdict verdict;

	err = (struct err){0};
	verdict = canary_judge(canary, elapsed_ms, &err);
	assert_int_equal(verdict == CANARY_FAILS, err.code == ERR_CANARY);
	if (said_out)
		*said_out = err.text;
	return verdict;
}

static void takes_about_its_share(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});
	unsigned taken = 0;

	for (unsigned i = 0; i < 100000; i++)
		taken += canary_takes(&canary, 0);
	assert_in_range(taken, 4500, 5500);
}

static void takes_none_or_all_where_that_is_asked(void **state)
{
	struct canary none = canary_with((struct canary_opts){.permille = 0});
	struct canary all = canary_with((struct canary_opts){.permille = 1000});

	for (uint64_t key = 0; key < 1000; key++) {
		assert_false(canary_takes(&none, key));
		assert_true(canary_takes(&all, key));
	}
}

static void the_same_key_gets_the_same_answer(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 300});
	unsigned taken = 0;

	for (uint64_t key = 1; key < 10000; key++) {
		bool takes = canary_takes(&canary, key);

		taken += takes;
		assert_int_equal(canary_takes(&canary, key), takes);
	}
	assert_in_range(taken, 2700, 3300);
}

static void passes_when_its_time_is_over_and_it_did_as_well(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});

	count(&canary.old, 1000, OUTCOME_OK, 900);
	count(&canary.next, 50, OUTCOME_OK, 1000);
	assert_int_equal(judge(&canary, FOR_MS - 1, NULL), CANARY_GOES_ON);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
}

static void fails_when_no_call_reached_it(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});
	const char *said;

	count(&canary.old, 1000, OUTCOME_OK, 900);
	assert_int_equal(judge(&canary, FOR_MS, &said), CANARY_FAILS);
	assert_non_null(strstr(said, "no call"));
}

static void a_few_failures_are_no_evidence_before_the_end(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});

	count(&canary.next, CANARY_EVIDENCE_CALLS - 1, OUTCOME_INTERNAL, 900);
	assert_int_equal(judge(&canary, 1, NULL), CANARY_GOES_ON);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_FAILS);
	count(&canary.next, 1, OUTCOME_INTERNAL, 900);
	assert_int_equal(judge(&canary, 1, NULL), CANARY_FAILS);
}

static void errors_are_compared_with_the_old_generation_s(void **state)
{
	struct canary canary =
		canary_with((struct canary_opts){.permille = 50, .max_errors_permille = 10});
	const char *said;

	count(&canary.old, 95, OUTCOME_OK, 900);
	count(&canary.old, 5, OUTCOME_UNAVAILABLE, 900);
	count(&canary.next, 94, OUTCOME_OK, 900);
	count(&canary.next, 6, OUTCOME_PLUGIN_GONE, 900);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
	count(&canary.next, 1, OUTCOME_PLUGIN_GONE, 900);
	assert_int_equal(judge(&canary, FOR_MS, &said), CANARY_FAILS);
	assert_non_null(strstr(said, "7 of its 101 calls failed (6.9 %)"));
	assert_non_null(strstr(said, "5.0 %"));
}

static void the_caller_s_mistakes_are_no_errors(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});

	count(&canary.next, 100, OUTCOME_INVALID_ARGUMENT, 900);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
}

static void slowness_is_compared_with_the_old_generation_s(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});
	const char *said;

	count(&canary.old, 1000, OUTCOME_OK, 20000);
	count(&canary.next, 100, OUTCOME_OK, 36000);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
	count(&canary.next, 100, OUTCOME_OK, 60000);
	assert_int_equal(judge(&canary, FOR_MS, &said), CANARY_FAILS);
	assert_non_null(strstr(said, "p99"));
}

static void a_few_milliseconds_are_no_slowness(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50});

	count(&canary.old, 1000, OUTCOME_OK, 100);
	count(&canary.next, 100, OUTCOME_OK, 9000);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
}

static void a_limit_that_is_given_counts_alone(void **state)
{
	struct canary canary = canary_with((struct canary_opts){.permille = 50, .max_p99_ms = 5});

	count(&canary.old, 1000, OUTCOME_OK, 100000);
	count(&canary.next, 100, OUTCOME_OK, 4000);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_PASSES);
	count(&canary.next, 100, OUTCOME_OK, 7000);
	assert_int_equal(judge(&canary, FOR_MS, NULL), CANARY_FAILS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_about_its_share),
		cmocka_unit_test(takes_none_or_all_where_that_is_asked),
		cmocka_unit_test(the_same_key_gets_the_same_answer),
		cmocka_unit_test(passes_when_its_time_is_over_and_it_did_as_well),
		cmocka_unit_test(fails_when_no_call_reached_it),
		cmocka_unit_test(a_few_failures_are_no_evidence_before_the_end),
		cmocka_unit_test(errors_are_compared_with_the_old_generation_s),
		cmocka_unit_test(the_caller_s_mistakes_are_no_errors),
		cmocka_unit_test(slowness_is_compared_with_the_old_generation_s),
		cmocka_unit_test(a_few_milliseconds_are_no_slowness),
		cmocka_unit_test(a_limit_that_is_given_counts_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
