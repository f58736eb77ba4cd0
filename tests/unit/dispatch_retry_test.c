/* Whether a failed try is followed by another: the rule row by row, and the budget through time. */
#include "dispatch/deadline.h"
#include "dispatch/retry.h"
#include "tests/support/unit.h"

#define NOW 1000000

static const struct retry_opts usual = {.max_attempts = 3,
					.initial_delay_ms = 100,
					.max_delay_ms = 5000,
					.multiplier = 2,
					.budget_percent = 20,
					.budget_min = 3};

/* A try that may be repeated: each row changes one thing about it. */
static const struct retry_case repeatable = {.outcome = OUTCOME_PLUGIN_GONE,
					     .attempt = 1,
					     .is_delivered = true,
					     .is_idempotent = true,
					     .is_repeatable = true,
					     .now_ms = NOW,
					     .deadline_ms = NOW + 30000};

static struct retry_verdict decide(struct retry_case failed)
{
	struct retry_budget budget;

	retry_budget_init(&budget, &usual, 100);
	return retry_decide(&failed, &budget);
}

static enum retry_answer answer(struct retry_case failed)
{
	return decide(failed).answer;
}

/* ---- what is safe ---- */

static void an_idempotent_call_is_tried_again(void **state)
{
	assert_int_equal(answer(repeatable), RETRY_LATER);
}

static void what_may_have_had_an_effect_is_not_repeated(void **state)
{
	struct retry_case failed = repeatable;

	failed.is_idempotent = false;
	assert_int_equal(answer(failed), RETRY_NO_SAFETY);
}

static void what_the_plugin_did_not_process_is_repeated_whatever_it_is(void **state)
{
	struct retry_case failed = repeatable;

	failed.is_idempotent = false;
	failed.outcome = OUTCOME_UNAVAILABLE;
	assert_int_equal(answer(failed), RETRY_NO_SAFETY);
	failed.is_not_processed = true;
	assert_int_equal(answer(failed), RETRY_LATER);
}

static void what_did_not_reach_the_plugin_is_sent_at_once_for_nothing(void **state)
{
	struct retry_case failed = repeatable;
	struct retry_opts none = {.max_attempts = 1};
	struct retry_budget empty;

	failed.is_idempotent = false;
	failed.is_delivered = false;
	retry_budget_init(&empty, &none, 0);
	for (failed.resends = 0; failed.resends < RETRY_MAX_RESENDS; failed.resends++) {
		struct retry_verdict verdict = retry_decide(&failed, &empty);

		assert_int_equal(verdict.answer, RETRY_AT_ONCE);
		assert_int_equal(verdict.at_ms, NOW);
	}
	/* Then it is a try like others, and a safe one. */
	assert_int_equal(retry_decide(&failed, &empty).answer, RETRY_NO_ATTEMPT);
	assert_int_equal(answer(failed), RETRY_LATER);
}

static void nothing_is_repeated_once_some_of_an_answer_was_passed_on(void **state)
{
	struct retry_case failed = repeatable;

	failed.is_begun = true;
	assert_int_equal(answer(failed), RETRY_NO_SAFETY);
	failed.is_delivered = false;
	assert_int_equal(answer(failed), RETRY_NO_SAFETY);
}

static void what_is_not_at_hand_is_not_repeated(void **state)
{
	struct retry_case failed = repeatable;

	failed.is_repeatable = false;
	assert_int_equal(answer(failed), RETRY_NO_REQUEST);
	failed.is_delivered = false;
	assert_int_equal(answer(failed), RETRY_NO_REQUEST);
}

static void only_outcomes_that_may_change_are_tried_again(void **state)
{
	static const enum outcome again[] = {OUTCOME_DEADLINE_EXCEEDED, OUTCOME_RESOURCE_EXHAUSTED,
					     OUTCOME_ABORTED, OUTCOME_UNAVAILABLE,
					     OUTCOME_PLUGIN_GONE};

	struct retry_case failed = repeatable;

	for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
		enum retry_answer expected = RETRY_NO_HOPE;

		for (size_t i = 0; i < COUNT_OF(again); i++)
			expected = (int)again[i] == outcome ? RETRY_LATER : expected;
		failed.outcome = (enum outcome)outcome;
		assert_int_equal(answer(failed), expected);
	}
}

/* ---- what is left ---- */

static void attempts_are_counted(void **state)
{
	struct retry_case failed = repeatable;

	failed.attempt = 2;
	assert_int_equal(answer(failed), RETRY_LATER);
	failed.attempt = 3;
	assert_int_equal(answer(failed), RETRY_NO_ATTEMPT);
}

static void one_attempt_or_none_means_no_retry(void **state)
{
	for (unsigned attempts = 0; attempts <= 1; attempts++) {
		struct retry_opts opts = usual;
		struct retry_budget budget;

		opts.max_attempts = attempts;
		retry_budget_init(&budget, &opts, 100);
		assert_int_equal(retry_decide(&repeatable, &budget).answer, RETRY_NO_ATTEMPT);
	}
}

static void nothing_is_tried_when_the_deadline_is_over(void **state)
{
	struct retry_case failed = repeatable;

	failed.deadline_ms = NOW;
	assert_int_equal(answer(failed), RETRY_NO_TIME);
	failed.is_delivered = false;
	assert_int_equal(answer(failed), RETRY_NO_TIME);
}

static void a_pause_that_would_outlast_the_deadline_is_not_begun(void **state)
{
	struct retry_case failed = repeatable;

	failed.random = 50;
	failed.deadline_ms = NOW + 50;
	assert_int_equal(answer(failed), RETRY_NO_TIME);
	failed.deadline_ms = NOW + 51;
	assert_int_equal(answer(failed), RETRY_LATER);
	failed.deadline_ms = DEADLINE_NEVER;
	assert_int_equal(answer(failed), RETRY_LATER);
}

static int64_t pause_of(const struct retry_opts *opts, unsigned attempt, uint32_t random)
{
	struct retry_budget budget;
	struct retry_case failed = repeatable;

	failed.attempt = attempt;
	failed.random = random;
	failed.deadline_ms = DEADLINE_NEVER;
	retry_budget_init(&budget, opts, 100);
	return retry_decide(&failed, &budget).at_ms - NOW;
}

static void pauses_grow_by_the_options_with_jitter_from_nothing_up(void **state)
{
	struct retry_opts opts = {.max_attempts = 10,
				  .initial_delay_ms = 100,
				  .max_delay_ms = 1000,
				  .multiplier = 3,
				  .budget_min = 1};

	assert_int_equal(pause_of(&opts, 1, 0), 0);
	assert_int_equal(pause_of(&opts, 1, 100), 100);
	assert_int_equal(pause_of(&opts, 1, 101), 0);
	assert_int_equal(pause_of(&opts, 2, 300), 300);
	assert_int_equal(pause_of(&opts, 2, 301), 0);
	assert_int_equal(pause_of(&opts, 3, 900), 900);
	assert_int_equal(pause_of(&opts, 4, 1000), 1000);
	assert_int_equal(pause_of(&opts, 4, 1001), 0);
}

static void a_plugin_that_asks_for_a_longer_pause_gets_it(void **state)
{
	struct retry_case failed = repeatable;

	failed.random = 50;
	failed.retry_after_ms = 700;
	assert_int_equal(decide(failed).at_ms, NOW + 700);
	failed.retry_after_ms = 7;
	assert_int_equal(decide(failed).at_ms, NOW + 50);
	failed.retry_after_ms = 30000;
	assert_int_equal(answer(failed), RETRY_NO_TIME);
}

/* ---- the budget ---- */

static unsigned spend_all(struct retry_budget *budget, int64_t now_ms)
{
	unsigned count = 0;

	while (count < 10000 && retry_budget_spend(budget, now_ms))
		count++;
	return count;
}

static void a_few_retries_a_second_are_there_in_any_case(void **state)
{
	struct retry_budget budget;

	retry_budget_init(&budget, &usual, 100);
	assert_int_equal(spend_all(&budget, NOW), 3);
	assert_int_equal(spend_all(&budget, NOW + 333), 0);
	assert_int_equal(spend_all(&budget, NOW + 334), 1);
	assert_int_equal(spend_all(&budget, NOW + 1334), 3);
	/* An hour of peace is no licence for a storm. */
	assert_int_equal(spend_all(&budget, NOW + 3600000), 3);
}

static void calls_earn_their_share(void **state)
{
	struct retry_opts opts = {.budget_percent = 20};
	struct retry_budget budget;

	retry_budget_init(&budget, &opts, 100);
	assert_int_equal(spend_all(&budget, NOW), 0);
	for (int i = 0; i < 4; i++)
		retry_budget_earn(&budget);
	assert_int_equal(spend_all(&budget, NOW), 0);
	retry_budget_earn(&budget);
	assert_int_equal(spend_all(&budget, NOW), 1);
	for (int i = 0; i < 50; i++)
		retry_budget_earn(&budget);
	assert_int_equal(spend_all(&budget, NOW), 10);
}

static void what_is_saved_up_is_bounded(void **state)
{
	struct retry_budget budget;

	retry_budget_init(&budget, &usual, 7);
	for (int i = 0; i < 100000; i++)
		retry_budget_earn(&budget);
	assert_int_equal(spend_all(&budget, NOW), 7);
}

/* The pitfall: retries that wait for their time are free, and come all together. */
static void a_retry_is_paid_when_it_is_decided_not_when_it_runs(void **state)
{
	struct retry_opts opts = usual;
	struct retry_budget budget;

	opts.budget_min = 2;
	retry_budget_init(&budget, &opts, 100);
	assert_int_equal(retry_decide(&repeatable, &budget).answer, RETRY_LATER);
	assert_int_equal(retry_decide(&repeatable, &budget).answer, RETRY_LATER);
	assert_int_equal(retry_decide(&repeatable, &budget).answer, RETRY_NO_BUDGET);
}

static void a_no_costs_nothing(void **state)
{
	struct retry_opts opts = usual;
	struct retry_budget budget;
	struct retry_case unsafe = repeatable;
	struct retry_case late = repeatable;
	struct retry_case undelivered = repeatable;

	unsafe.is_idempotent = false;
	late.deadline_ms = NOW;
	undelivered.is_delivered = false;
	opts.budget_min = 1;
	retry_budget_init(&budget, &opts, 100);
	retry_decide(&unsafe, &budget);
	retry_decide(&late, &budget);
	assert_int_equal(retry_decide(&undelivered, &budget).answer, RETRY_AT_ONCE);
	assert_int_equal(retry_decide(&repeatable, &budget).answer, RETRY_LATER);
}

static void every_answer_has_its_words(void **state)
{
	for (int i = RETRY_AT_ONCE; i <= RETRY_NO_BUDGET; i++)
		assert_true(strlen(retry_answer_name((enum retry_answer)i)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idempotent_call_is_tried_again),
		cmocka_unit_test(what_may_have_had_an_effect_is_not_repeated),
		cmocka_unit_test(what_the_plugin_did_not_process_is_repeated_whatever_it_is),
		cmocka_unit_test(what_did_not_reach_the_plugin_is_sent_at_once_for_nothing),
		cmocka_unit_test(nothing_is_repeated_once_some_of_an_answer_was_passed_on),
		cmocka_unit_test(what_is_not_at_hand_is_not_repeated),
		cmocka_unit_test(only_outcomes_that_may_change_are_tried_again),
		cmocka_unit_test(attempts_are_counted),
		cmocka_unit_test(one_attempt_or_none_means_no_retry),
		cmocka_unit_test(nothing_is_tried_when_the_deadline_is_over),
		cmocka_unit_test(a_pause_that_would_outlast_the_deadline_is_not_begun),
		cmocka_unit_test(pauses_grow_by_the_options_with_jitter_from_nothing_up),
		cmocka_unit_test(a_plugin_that_asks_for_a_longer_pause_gets_it),
		cmocka_unit_test(a_few_retries_a_second_are_there_in_any_case),
		cmocka_unit_test(calls_earn_their_share),
		cmocka_unit_test(what_is_saved_up_is_bounded),
		cmocka_unit_test(a_retry_is_paid_when_it_is_decided_not_when_it_runs),
		cmocka_unit_test(a_no_costs_nothing),
		cmocka_unit_test(every_answer_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
