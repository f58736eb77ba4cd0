/* The judge of a canary. Both generations are measured at the same time under the same load, so
 * their figures can be compared; a few calls prove nothing, and no calls prove nothing at all. */
#include "dispatch/canary.h"

#include <inttypes.h>

#include "observe/errors.h"

/* Below that, differences are the scheduler's. */
#define LEAST_P99_LIMIT_US 10000

void canary_init(struct canary *canary, const struct canary_opts *opts, uint64_t seed)
{
	*canary = (struct canary){.opts = *opts, .random = seed};
}

/* splitmix64 (Sebastiano Vigna, public domain): well mixed also for keys in a row. */
static uint64_t mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo); mix() does the rest. */
uint64_t canary_key_of(struct str text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (uint8_t)text.data[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

bool canary_takes(struct canary *canary, uint64_t key)
{
	if (key == 0)
		key = canary->random++;
	return mix(key) % 1000 < canary->opts.permille;
}

void canary_count(struct canary_side *side, enum outcome outcome, int64_t latency_us)
{
	side->calls++;
	side->errors += outcome_row(outcome)->counts_for_breaker;
	histogram_add(&side->latency_us, latency_us);
}

static uint64_t permille_of(const struct canary_side *side)
{
	return side->calls ? side->errors * 1000 / side->calls : 0;
}

static bool has_too_many_errors(const struct canary *canary, struct err *err)
{
	uint64_t old = permille_of(&canary->old);
	uint64_t next = permille_of(&canary->next);

	if (next <= old + canary->opts.max_errors_permille)
		return false;
	err_set(err, ERR_CANARY,
		"%" PRIu64 " of its %" PRIu64 " calls failed (%" PRIu64 ".%" PRIu64
		" %%); of the old generation's %" PRIu64 ".%" PRIu64 " %%",
		canary->next.errors, canary->next.calls, next / 10, next % 10, old / 10, old % 10);
	return true;
}

static int64_t p99_limit_us(const struct canary *canary)
{
	int64_t limit = 2 * histogram_quantile(&canary->old.latency_us, 990);

	if (canary->opts.max_p99_ms > 0)
		return canary->opts.max_p99_ms * 1000;
	return limit > LEAST_P99_LIMIT_US ? limit : LEAST_P99_LIMIT_US;
}

static bool is_too_slow(const struct canary *canary, struct err *err)
{
	int64_t limit_us = p99_limit_us(canary);
	int64_t p99_us = histogram_quantile(&canary->next.latency_us, 990);

	if (canary->next.calls < CANARY_EVIDENCE_CALLS || p99_us <= limit_us)
		return false;
	err_set(err, ERR_CANARY,
		"the p99 of its calls is %" PRId64 " us, the limit %" PRId64
		" us; the old generation's is %" PRId64 " us",
		p99_us, limit_us, histogram_quantile(&canary->old.latency_us, 990));
	return true;
}

enum canary_verdict canary_judge(const struct canary *canary, int64_t elapsed_ms, struct err *err)
{
	bool is_over = elapsed_ms >= canary->opts.for_ms;

	if (!is_over && canary->next.calls < CANARY_EVIDENCE_CALLS)
		return CANARY_GOES_ON;
	if (has_too_many_errors(canary, err) || is_too_slow(canary, err))
		return CANARY_FAILS;
	if (!is_over)
		return CANARY_GOES_ON;
	if (canary->next.calls > 0)
		return CANARY_PASSES;
	err_set(err, ERR_CANARY, "no call has reached it, so nothing is known about it");
	return CANARY_FAILS;
}
