/* When a set of keys is fetched again. Nobody who sends tokens decides about it: however many name
 * a key that is not there, there is one fetch in so long. Pure: time and randomness are
 * arguments. */
#ifndef PLUGD_IDENTITY_JWKS_SCHEDULE_H
#define PLUGD_IDENTITY_JWKS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct jwks_schedule {
	int64_t longest_ms;  /* a set is used for so long at most, whatever its server says */
	int64_t shortest_ms; /* between the begin of a fetch and one that a token asks for */
	int64_t began_ms;    /* the last one; with `began` */
	bool began;
	unsigned failures; /* in a row */
};

/* A fetch begins. */
void jwks_schedule_begin(struct jwks_schedule *schedule, int64_t now_ms);

/* It brought a set that its server lets us use for `max_age_s` (-1: it didn't say). Returns in how
 * many milliseconds the next one is due: some of them fewer, so that many hosts don't come at
 * once. */
int64_t jwks_schedule_succeed(struct jwks_schedule *schedule, int64_t max_age_s, uint32_t random);

/* It failed: the same, growing with each failure. */
int64_t jwks_schedule_fail(struct jwks_schedule *schedule, uint32_t random);

/* Whether a fetch may begin because a token names a key that is not in the set. */
bool jwks_schedule_may_ask(const struct jwks_schedule *schedule, int64_t now_ms);

#endif
