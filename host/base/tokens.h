/* A bucket of tokens: how many things may happen in a second, and how many at once. Pure: time is
 * an argument. Exact: a fraction of a token is never lost, however often it is asked. */
#ifndef PLUGD_BASE_TOKENS_H
#define PLUGD_BASE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

struct tokens_rate {
	uint32_t per_second; /* > 0 */
	uint32_t burst;	     /* the most at once; > 0 */
};

/* Zeroed is a full bucket. */
struct tokens {
	uint64_t missing; /* millionths of a token, as of that time */
	int64_t as_of_us;
};

/* Takes one. False: there is none; *wait_ms_out is when the next is there, at least 1. */
bool tokens_take(struct tokens *tokens, struct tokens_rate rate, int64_t now_us,
		 int64_t *wait_ms_out);

/* Whole tokens that are in it. */
uint32_t tokens_left(const struct tokens *tokens, struct tokens_rate rate, int64_t now_us);

/* Microseconds until it is full, if nothing is taken; 0: it is. */
int64_t tokens_full_after_us(const struct tokens *tokens, struct tokens_rate rate, int64_t now_us);

/* A bucket that is full after so many microseconds, or empty if it would take longer than that. */
void tokens_owe(struct tokens *tokens, struct tokens_rate rate, int64_t full_after_us,
		int64_t now_us);

#endif
