/* Whether a call that failed is tried again, and when. The questions stand in the order in which
 * they are asked: could it help, may it be, is there something left for it. The budget comes last,
 * because asking it costs. */
#include "dispatch/retry.h"

#include "base/backoff.h"

/* The budget counts in hundred-thousandths of a retry: a percent of one and a millisecond's share
 * of one a second are whole numbers then. */
#define ONE_RETRY     100000
#define ONE_PERCENT   (ONE_RETRY / 100)
#define A_SECOND_EACH (ONE_RETRY / 1000)

/* ---- the budget ---- */

static int64_t guaranteed(const struct retry_budget *budget)
{
	return (int64_t)budget->opts->budget_min * ONE_RETRY;
}

void retry_budget_init(struct retry_budget *budget, const struct retry_opts *opts, unsigned most)
{
	*budget = (struct retry_budget){.opts = opts, .most = (int64_t)most * ONE_RETRY};
	if (budget->most < guaranteed(budget))
		budget->most = guaranteed(budget);
	budget->level = guaranteed(budget);
}

void retry_budget_earn(struct retry_budget *budget)
{
	budget->level += (int64_t)budget->opts->budget_percent * ONE_PERCENT;
	if (budget->level > budget->most)
		budget->level = budget->most;
}

/* Time alone fills it up to what a second guarantees. */
static void refill(struct retry_budget *budget, int64_t now_ms)
{
	int64_t passed_ms = now_ms - budget->filled_ms;
	int64_t filled;

	budget->filled_ms = now_ms;
	if (budget->level >= guaranteed(budget))
		return;
	if (passed_ms > 1000)
		passed_ms = 1000;
	filled = budget->level + passed_ms * budget->opts->budget_min * A_SECOND_EACH;
	budget->level = filled < guaranteed(budget) ? filled : guaranteed(budget);
}

bool retry_budget_spend(struct retry_budget *budget, int64_t now_ms)
{
	refill(budget, now_ms);
	if (budget->level < ONE_RETRY)
		return false;
	budget->level -= ONE_RETRY;
	return true;
}

/* ---- the decision ---- */

static bool is_safe(const struct retry_case *failed)
{
	return !failed->is_delivered || failed->is_not_processed || failed->is_idempotent;
}

static int64_t next_try_ms(const struct retry_case *failed, const struct retry_opts *opts)
{
	struct backoff backoff = {opts->initial_delay_ms, opts->max_delay_ms, opts->multiplier};
	int64_t delay_ms = backoff_spread_ms(&backoff, failed->attempt, failed->random);

	if (delay_ms < failed->retry_after_ms)
		delay_ms = failed->retry_after_ms;
	return failed->now_ms + delay_ms;
}

static struct retry_verdict no(enum retry_answer why)
{
	return (struct retry_verdict){why, 0};
}

struct retry_verdict retry_decide(const struct retry_case *failed, struct retry_budget *budget)
{
	int64_t at_ms;

	if (!outcome_row(failed->outcome)->retryable)
		return no(RETRY_NO_HOPE);
	if (failed->is_begun)
		return no(RETRY_NO_SAFETY);
	if (!failed->is_repeatable)
		return no(RETRY_NO_REQUEST);
	if (failed->now_ms >= failed->deadline_ms)
		return no(RETRY_NO_TIME);
	if (!failed->is_delivered && failed->resends < RETRY_MAX_RESENDS)
		return (struct retry_verdict){RETRY_AT_ONCE, failed->now_ms};
	if (!is_safe(failed))
		return no(RETRY_NO_SAFETY);
	if (failed->attempt >= budget->opts->max_attempts)
		return no(RETRY_NO_ATTEMPT);
	at_ms = next_try_ms(failed, budget->opts);
	if (at_ms >= failed->deadline_ms)
		return no(RETRY_NO_TIME);
	if (!retry_budget_spend(budget, failed->now_ms))
		return no(RETRY_NO_BUDGET);
	return (struct retry_verdict){RETRY_LATER, at_ms};
}

const char *retry_answer_name(enum retry_answer answer)
{
	switch (answer) {
	case RETRY_AT_ONCE:
		return "at once";
	case RETRY_LATER:
		return "later";
	case RETRY_NO_HOPE:
		return "it would be the same again";
	case RETRY_NO_REQUEST:
		return "the request is not at hand any more";
	case RETRY_NO_SAFETY:
		return "it may have had an effect";
	case RETRY_NO_ATTEMPT:
		return "no attempt is left";
	case RETRY_NO_TIME:
		return "no time is left";
	case RETRY_NO_BUDGET:
		return "no budget is left";
	}
	return "";
}
