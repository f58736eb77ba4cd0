/* Whether the host is late, and who is refused then. Pure: time is an argument.
 *
 * Late is what stays late: the least of a signal (the time that a turn of the loop took, or that a
 * request has waited for its place) over an interval is at its limit or above. One spike between
 * quick ones says nothing, and nor do so few that they may be one. Each interval that is late
 * raises the level by one, each that is not lowers it:
 *
 *	level 0   all are served
 *	      1   low is refused
 *	      2   normal too
 *	      3   high too; critical never is */
#ifndef PLUGD_EDGE_SHEDDING_H
#define PLUGD_EDGE_SHEDDING_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/load_opts.h"

#define SHEDDING_MOST 3u

/* Fewer than that in an interval say nothing. */
#define LATENESS_SAMPLES 3u

struct lateness_limit {
	int64_t limit_us; /* 0: nothing is ever late */
	int64_t interval_us;
};

/* One signal. Zeroed is not late. */
struct lateness {
	int64_t since_us; /* the interval began */
	int64_t least_us; /* of the samples in it */
	unsigned samples;
	unsigned level;
};

/* Something took so long. */
void lateness_note(struct lateness *lateness, const struct lateness_limit *limit, int64_t took_us,
		   int64_t now_us);

/* The level now. */
unsigned lateness_level(struct lateness *lateness, const struct lateness_limit *limit,
			int64_t now_us);

bool shedding_refuses(unsigned level, enum priority priority);

/* "critical", "high", "normal", "low". */
const char *priority_name(enum priority priority);

#endif
