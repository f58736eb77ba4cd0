/* The table of outcomes, made readable at run time. */
#include "dispatch/outcome.h"

#include <assert.h>

static const struct outcome_row rows[OUTCOME_COUNT] = {
#define OUTCOME(name, http, code, retryable, breaker, text)                                        \
	{#name, (http), (code), (retryable), (breaker), (text)},
#include "dispatch/outcome.def"
#undef OUTCOME
};

const struct outcome_row *outcome_row(enum outcome outcome)
{
	assert(outcome < OUTCOME_COUNT);
	return &rows[outcome];
}

enum outcome outcome_from_code(uint32_t code)
{
	return code <= OUTCOME_UNAUTHENTICATED ? (enum outcome)code : OUTCOME_UNKNOWN;
}
