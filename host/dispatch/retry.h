/* Whether a call that failed is tried again, and when. Pure: the state of the call and the time are
 * arguments; only the budget is remembered.
 *
 * A try that may have had an effect is repeated only when the method is idempotent, or when the
 * plugin said that it did not process it. One that has certainly not reached the plugin is no try:
 * it is sent again at once, for nothing. */
#ifndef PLUGD_DISPATCH_RETRY_H
#define PLUGD_DISPATCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "dispatch/outcome.h"
#include "plugin/policy_opts.h"

/* A call is sent again for nothing so many times: whom several dying instances in a row don't take
 * is treated as one that failed. */
#define RETRY_MAX_RESENDS 3

/* How many retries a target may have: every call earns a share of one, and a few a second are there
 * in any case, so that a failing plugin does not get many times its load. A retry is paid when it
 * is decided, before its wait. */
struct retry_budget {
	const struct retry_opts *opts;
	int64_t most; /* in the unit of retry.c, like `level` */
	int64_t level;
	int64_t filled_ms;
};

/* `most` retries can be saved up at once. The options are borrowed. */
void retry_budget_init(struct retry_budget *budget, const struct retry_opts *opts, unsigned most);

/* A call has come. */
void retry_budget_earn(struct retry_budget *budget);

/* Whether one more retry may be; then it is paid. */
bool retry_budget_spend(struct retry_budget *budget, int64_t now_ms);

/* A try that failed. */
struct retry_case {
	enum outcome outcome;
	unsigned attempt;      /* which one it was, from 1 */
	unsigned resends;      /* of this call, before */
	bool is_delivered;     /* the plugin may have got it */
	bool is_not_processed; /* says the plugin */
	bool is_idempotent;
	bool is_begun;		 /* some of an answer was passed on */
	bool is_repeatable;	 /* the whole request is at hand */
	uint32_t retry_after_ms; /* asks the plugin */
	int64_t now_ms;
	int64_t deadline_ms;
	uint32_t random;
};

enum retry_answer {
	RETRY_AT_ONCE, /* it was no try */
	RETRY_LATER,   /* at a time */
	/* No, because … */
	RETRY_NO_HOPE,	  /* of this outcome: it would be the same again */
	RETRY_NO_REQUEST, /* the request is not at hand any more */
	RETRY_NO_SAFETY,  /* it may have had an effect, or the caller has seen some of it */
	RETRY_NO_ATTEMPT, /* is left */
	RETRY_NO_TIME,	  /* is left */
	RETRY_NO_BUDGET,  /* is left */
};

struct retry_verdict {
	enum retry_answer answer;
	int64_t at_ms; /* of RETRY_LATER: before the deadline */
};

/* RETRY_LATER is paid from the budget, which has the options. */
struct retry_verdict retry_decide(const struct retry_case *failed, struct retry_budget *budget);

const char *retry_answer_name(enum retry_answer answer);

#endif
