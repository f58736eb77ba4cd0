/* Whether and when an instance that has ended is started again. Pure: the pool tells how it ended
 * and obeys. Each place in a pool has a history of its own. */
#ifndef PLUGD_PLUGIN_SUPERVISOR_H
#define PLUGD_PLUGIN_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/plugin_opts.h"

/* Zeroed: nothing has happened yet. */
struct supervisor {
	int64_t restarts_ms[RESTART_MAX_RESTARTS]; /* a ring: the newest is before `next` */
	unsigned next;
	unsigned count;	   /* in the ring */
	unsigned failures; /* in a row; a healthy time ends the row */
};

struct supervisor_end {
	bool failed;	      /* not: it exited with status 0 and broke no rule */
	int64_t ready_for_ms; /* -1: it never was */
	const char *why;      /* in words */
};

enum supervisor_verdict {
	SUPERVISOR_RESTART,
	SUPERVISOR_LEAVE,   /* the policy wants it so */
	SUPERVISOR_GIVE_UP, /* a crash loop */
};

struct supervisor_decision {
	enum supervisor_verdict verdict;
	int64_t delay_ms;  /* for SUPERVISOR_RESTART */
	struct err reason; /* for the others: ERR_PLUGIN_ENDED or ERR_PLUGIN_CRASH_LOOP */
};

/* An instance has ended at now_ms, and not because the host wanted it. The restart that is decided
 * is booked. `random` chooses the jitter. */
void supervisor_decide(struct supervisor *supervisor, const struct restart_opts *opts,
		       const struct supervisor_end *end, int64_t now_ms, uint32_t random,
		       struct supervisor_decision *out);

#endif
