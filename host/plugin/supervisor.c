/* Whether and when an instance that has ended is started again.
 *
 * Two things keep a plugin that can't live from spinning: the delay, which doubles with each
 * failure in a row, and the limit of restarts within a period, after which the place stays down.
 * Both forget: a time of health ends the row, and a restart counts for one period, so what fails
 * once a week is started for ever. Owns nothing but the numbers of its history. */
#include "plugin/supervisor.h"

#include "base/backoff.h"
#include "base/units.h"
#include "observe/errors.h"

static bool wants_restart(enum restart_policy policy, bool failed)
{
	switch (policy) {
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_FAILURE:
		return failed;
	case RESTART_NEVER:
		break;
	}
	return false;
}

static const char *policy_name(enum restart_policy policy)
{
	return policy == RESTART_NEVER ? "never" : "on-failure";
}

static int64_t next_delay_ms(struct supervisor *supervisor, const struct restart_opts *opts,
			     const struct supervisor_end *end, uint32_t random)
{
	const struct backoff backoff = {opts->initial_delay_ms, opts->max_delay_ms, 2};

	if (end->ready_for_ms >= 0 && end->ready_for_ms >= opts->healthy_after_ms)
		supervisor->failures = 0;
	supervisor->failures++;
	return backoff_delay_ms(&backoff, supervisor->failures, random);
}

/* Restarts in the period that ends at at_ms. */
static unsigned restarts_until(const struct supervisor *supervisor, int64_t period_ms,
			       int64_t at_ms)
{
	unsigned found = 0;

	for (unsigned i = 0; i < supervisor->count; i++)
		found += supervisor->restarts_ms[i] > at_ms - period_ms;
	return found;
}

static void book(struct supervisor *supervisor, int64_t at_ms)
{
	supervisor->restarts_ms[supervisor->next] = at_ms;
	supervisor->next = (supervisor->next + 1) % RESTART_MAX_RESTARTS;
	if (supervisor->count < RESTART_MAX_RESTARTS)
		supervisor->count++;
}

static void give_up(struct supervisor_decision *out, const struct restart_opts *opts,
		    const struct supervisor_end *end)
{
	char period[UNITS_TEXT];

	units_format_duration_ms(period, opts->period_ms);
	out->verdict = SUPERVISOR_GIVE_UP;
	err_set(&out->reason, ERR_PLUGIN_CRASH_LOOP,
		"given up after %u restart%s within %s; the last time: %s", opts->max_restarts,
		opts->max_restarts == 1 ? "" : "s", period, end->why);
}

void supervisor_decide(struct supervisor *supervisor, const struct restart_opts *opts,
		       const struct supervisor_end *end, int64_t now_ms, uint32_t random,
		       struct supervisor_decision *out)
{
	int64_t at_ms;

	*out = (struct supervisor_decision){.verdict = SUPERVISOR_LEAVE};
	if (!wants_restart(opts->policy, end->failed)) {
		err_set(&out->reason, ERR_PLUGIN_ENDED, "not started again (restart: %s): %s",
			policy_name(opts->policy), end->why);
		return;
	}
	out->delay_ms = next_delay_ms(supervisor, opts, end, random);
	at_ms = now_ms + out->delay_ms;
	if (opts->period_ms > 0 &&
	    restarts_until(supervisor, opts->period_ms, at_ms) >= opts->max_restarts) {
		give_up(out, opts, end);
		return;
	}
	out->verdict = SUPERVISOR_RESTART;
	book(supervisor, at_ms);
}
