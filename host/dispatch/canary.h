/* A share of the calls goes to the next generation first, and what becomes of them decides whether
 * all follow. Pure: counts, times and a verdict. */
#ifndef PLUGD_DISPATCH_CANARY_H
#define PLUGD_DISPATCH_CANARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/histogram.h"
#include "base/str.h"
#include "dispatch/outcome.h"

/* A verdict before the time is over, and one about latency, need so many calls. */
#define CANARY_EVIDENCE_CALLS 20

struct canary_opts {
	unsigned permille; /* of the calls; 0: no canary */
	int64_t for_ms;
	unsigned max_errors_permille; /* more errors than the old generation has, at most */
	int64_t max_p99_ms;	      /* 0: twice the old generation's, but 10 ms at least */
	char key_header[64];	      /* in lower case: whose value is the key; "": by chance */
};

struct canary_side {
	uint64_t calls;
	uint64_t errors;
	struct histogram latency_us;
};

struct canary {
	struct canary_opts opts;
	struct canary_side old;
	struct canary_side next;
	uint64_t random; /* the state of the draw */
};

enum canary_verdict { CANARY_GOES_ON, CANARY_PASSES, CANARY_FAILS };

void canary_init(struct canary *canary, const struct canary_opts *opts, uint64_t seed);

/* A key from a text; never 0. */
uint64_t canary_key_of(struct str text);

/* Does this call go to the next generation? `key` not 0: the same key, the same answer. */
bool canary_takes(struct canary *canary, uint64_t key);

/* A call has ended there. Errors are what the breaker counts. */
void canary_count(struct canary_side *side, enum outcome outcome, int64_t latency_us);

/* After so long. CANARY_FAILS with *err of ERR_CANARY: why, with the figures. */
enum canary_verdict canary_judge(const struct canary *canary, int64_t elapsed_ms, struct err *err);

#endif
