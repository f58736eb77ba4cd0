/* The wait before another try. Whoever restarts or retries calls it and keeps the count of
 * failures. */
#include "base/backoff.h"

static int64_t backoff_whole_ms(const struct backoff *backoff, unsigned failures)
{
	int64_t whole = backoff->first_ms;

	if (backoff->factor >= 2) {
		for (unsigned i = 1; i < failures && whole > 0 && whole < backoff->max_ms; i++) {
			if (whole > backoff->max_ms / backoff->factor)
				return backoff->max_ms;
			whole *= backoff->factor;
		}
	}
	return whole < backoff->max_ms ? whole : backoff->max_ms;
}

int64_t backoff_delay_ms(const struct backoff *backoff, unsigned failures, uint32_t random)
{
	int64_t whole = backoff_whole_ms(backoff, failures);
	if (whole <= 0)
		return 0;

	int64_t half = whole / 2;
	return half + (int64_t)(random % (uint64_t)(whole - half + 1));
}

int64_t backoff_spread_ms(const struct backoff *backoff, unsigned failures, uint32_t random)
{
	int64_t whole = backoff_whole_ms(backoff, failures);

	return whole <= 0 ? 0 : (int64_t)(random % ((uint64_t)whole + 1));
}
