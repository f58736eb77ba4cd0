/* How a call ended: outcome.def is the one table of it. Pure. */
#ifndef PLUGD_DISPATCH_OUTCOME_H
#define PLUGD_DISPATCH_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome {
#define OUTCOME(name, http, code, retryable, breaker, text) OUTCOME_##name,
#include "dispatch/outcome.def"
#undef OUTCOME
	OUTCOME_COUNT,
};

struct outcome_row {
	const char *name;
	unsigned http_status;
	uint32_t code; /* canonical */
	bool retryable;
	bool counts_for_breaker;
	const char *text; /* for the client, when nobody said more */
};

const struct outcome_row *outcome_row(enum outcome outcome);

/* The outcome of a plugin's answer; codes above 16 are UNKNOWN. */
enum outcome outcome_from_code(uint32_t code);

#endif
