/* How an instance is, judged from what it says of itself and from its silence. Pure; health_check.h
 * asks and obeys. */
#ifndef PLUGD_PLUGIN_HEALTH_H
#define PLUGD_PLUGIN_HEALTH_H

#include <stdint.h>

#include "base/err.h"
#include "proto/wire.h"

/* What is known of it. The last two are final: the instance is replaced. */
enum health_condition {
	HEALTH_HEALTHY,
	HEALTH_DEGRADED,  /* serves when no healthy one can */
	HEALTH_UNHEALTHY, /* it says so, again and again */
	HEALTH_OFFLINE,	  /* it doesn't answer */
};

/* One piece of news. */
enum health_news {
	HEALTH_SAYS_HEALTHY,
	HEALTH_SAYS_DEGRADED,
	HEALTH_SAYS_UNHEALTHY,
	HEALTH_SILENT
};

/* Zeroed: healthy. */
struct health {
	enum health_condition condition;
	unsigned healthy; /* answers in a row */
	unsigned bad;	  /* unhealthy answers in a row; a silence between them doesn't count */
	unsigned silent;  /* questions in a row */
};

/* Degraded at once when the news is bad in any way; healthy again after two healthy answers in a
 * row; unhealthy or offline after failure_limit unhealthy answers or silences in a row. */
enum health_condition health_judge(struct health *health, enum health_news news,
				   unsigned failure_limit);

const char *health_condition_name(enum health_condition condition);

/* ---- when to ask ---- */

/* The first time is left to chance, so that those who were started together aren't asked
 * together: from 1 to interval_ms after readiness. */
int64_t health_first_wait_ms(int64_t interval_ms, uint32_t random);

/* After the answer, or the end of the wait for it. */
int64_t health_next_wait_ms(int64_t interval_ms, int64_t asked_ms, int64_t now_ms);

/* ---- what a PONG says ---- */

struct health_report {
	uint32_t seq; /* 0: unasked */
	enum health_news news;
	char message[200];     /* its own words; may be empty */
	char unavailable[200]; /* what it can't reach: "db, cache"; may be empty */
};

/* Reads the body of a PONG. 0, or -EINVAL with *err. */
int health_report_take(struct wire_bytes body, struct health_report *out, struct err *err);

#endif
