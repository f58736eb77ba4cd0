/* How long to wait before trying again: exponential with jitter, so that many who failed together
 * don't come back together. Pure: randomness is an argument. */
#ifndef PLUGD_BASE_BACKOFF_H
#define PLUGD_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t first_ms;
	int64_t max_ms;
	unsigned factor; /* 2: doubles each time */
};

/* The wait before attempt `failures` + 1, for failures >= 1: between half and the whole of
 * min(max, first * factor^(failures-1)), chosen by `random` ("equal jitter"; Brooker, AWS
 * Architecture Blog, 2015). Never overflows. */
int64_t backoff_delay_ms(const struct backoff *backoff, unsigned failures, uint32_t random);

/* The same anywhere between nothing and the whole ("full jitter", same source): for many who share
 * one target, where it spreads them best. */
int64_t backoff_spread_ms(const struct backoff *backoff, unsigned failures, uint32_t random);

#endif
