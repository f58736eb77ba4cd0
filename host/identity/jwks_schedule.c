/* When a set of keys is fetched again. Called by jwks_source.c. */
#include "identity/jwks_schedule.h"

#include "base/backoff.h"

#define FIRST_RETRY_MS 1000

void jwks_schedule_begin(struct jwks_schedule *schedule, int64_t now_ms)
{
	schedule->began = true;
	schedule->began_ms = now_ms;
}

int64_t jwks_schedule_succeed(struct jwks_schedule *schedule, int64_t max_age_s, uint32_t random)
{
	int64_t delay_ms = schedule->longest_ms;

	schedule->failures = 0;
	if (max_age_s >= 0 && max_age_s < delay_ms / 1000)
		delay_ms = max_age_s * 1000;
	if (delay_ms < schedule->shortest_ms)
		delay_ms = schedule->shortest_ms;
	return delay_ms - delay_ms / 10 * (int64_t)(random % 1000) / 1000;
}

int64_t jwks_schedule_fail(struct jwks_schedule *schedule, uint32_t random)
{
	const struct backoff backoff = {
		.first_ms = FIRST_RETRY_MS, .max_ms = schedule->longest_ms, .factor = 2};

	schedule->failures++;
	return backoff_delay_ms(&backoff, schedule->failures, random);
}

bool jwks_schedule_may_ask(const struct jwks_schedule *schedule, int64_t now_ms)
{
	return !schedule->began || now_ms - schedule->began_ms >= schedule->shortest_ms;
}
