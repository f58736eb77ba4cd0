/* A bucket of tokens. It counts what is missing to the brim, so that a zeroed one is full, and in
 * millionths of a token, of which `per_second` come back each microsecond. */
#include "base/tokens.h"

#define ONE_TOKEN UINT64_C(1000000)

static void refill(struct tokens *tokens, struct tokens_rate rate, int64_t now_us)
{
	uint64_t passed_us = now_us > tokens->as_of_us ? (uint64_t)(now_us - tokens->as_of_us) : 0;

	tokens->as_of_us = now_us;
	if (passed_us >= tokens->missing / rate.per_second + 1)
		tokens->missing = 0;
	else
		tokens->missing -= passed_us * rate.per_second;
}

bool tokens_take(struct tokens *tokens, struct tokens_rate rate, int64_t now_us,
		 int64_t *wait_ms_out)
{
	uint64_t brim = rate.burst * ONE_TOKEN;
	uint64_t too_much;

	refill(tokens, rate, now_us);
	if (tokens->missing + ONE_TOKEN <= brim) {
		tokens->missing += ONE_TOKEN;
		return true;
	}
	too_much = tokens->missing + ONE_TOKEN - brim;
	*wait_ms_out = (int64_t)(too_much / rate.per_second / 1000) + 1;
	return false;
}

uint32_t tokens_left(const struct tokens *tokens, struct tokens_rate rate, int64_t now_us)
{
	uint64_t brim = rate.burst * ONE_TOKEN;
	struct tokens later = *tokens;

	refill(&later, rate, now_us);
	return later.missing >= brim ? 0 : (uint32_t)((brim - later.missing) / ONE_TOKEN);
}

int64_t tokens_full_after_us(const struct tokens *tokens, struct tokens_rate rate, int64_t now_us)
{
	struct tokens later = *tokens;

	refill(&later, rate, now_us);
	return (int64_t)((later.missing + rate.per_second - 1) / rate.per_second);
}

void tokens_owe(struct tokens *tokens, struct tokens_rate rate, int64_t full_after_us,
		int64_t now_us)
{
	uint64_t brim = rate.burst * ONE_TOKEN;
	uint64_t us = (uint64_t)full_after_us;

	tokens->as_of_us = now_us;
	tokens->missing = us > brim / rate.per_second ? brim : us * rate.per_second;
}
