/* A circuit breaker: leaves a plugin alone for a while when too many of its calls fail. Pure: time
 * is an argument, and so is what became of each call.
 *
 *	            enough of the window's calls failed
 *	  CLOSED ───────────────────────────────────────▶ OPEN ◀───────┐
 *	    ▲                                              │           │ one fails
 *	    └────── all probes succeed ────── HALF_OPEN ◀──┘ ──────────┘
 *	                                                 recovery_timeout, at the next call
 *
 * Half-open lets through exactly as many probes as it needs successes: it can't stick for want of
 * one, and never lets more through than it counts. */
#ifndef PLUGD_DISPATCH_BREAKER_H
#define PLUGD_DISPATCH_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/policy_opts.h"

#define BREAKER_BUCKETS 10

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/* What a call says of the plugin's health. */
enum breaker_report {
	BREAKER_SUCCESS,
	BREAKER_FAILURE,
	BREAKER_NEUTRAL, /* nothing: it was cancelled, or the caller was wrong */
};

struct breaker_count {
	unsigned calls; /* that said something */
	unsigned failures;
};

struct breaker {
	const struct breaker_opts *opts;
	enum breaker_state state;
	uint32_t epoch;	   /* of the state: what began in another says nothing in this */
	uint64_t openings; /* ever */
	/* CLOSED: the last window, in buckets that are filled in turn. */
	struct breaker_count sum;
	struct breaker_count buckets[BREAKER_BUCKETS];
	unsigned bucket; /* the one that is filled */
	int64_t bucket_end_ms;
	/* OPEN */
	int64_t recovery_ms; /* when it is over */
	/* HALF_OPEN */
	unsigned probes; /* that were let through and did not end in nothing */
	unsigned successes;
};

/* Closed. The options are borrowed. */
void breaker_init(struct breaker *breaker, const struct breaker_opts *opts);

/* Whether a call would be refused now. Changes nothing. */
bool breaker_is_shut(const struct breaker *breaker, int64_t now_ms);

/* A call wants to go through. False: refused. True: it has to come back with the ticket. */
bool breaker_enter(struct breaker *breaker, int64_t now_ms, uint32_t *ticket_out);
void breaker_leave(struct breaker *breaker, uint32_t ticket, enum breaker_report report,
		   int64_t now_ms);

/* The calls of the window, as of now. */
struct breaker_count breaker_count(const struct breaker *breaker, int64_t now_ms);

/* How long it will still refuse everybody; 0: it doesn't, or that depends on its probes. */
int64_t breaker_left_ms(const struct breaker *breaker, int64_t now_ms);

const char *breaker_state_name(enum breaker_state state);

#endif
