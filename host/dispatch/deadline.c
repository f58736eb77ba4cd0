/* When a call must have ended: three sums that must not overflow. */
#include "dispatch/deadline.h"

int64_t deadline_in(int64_t now_ms, int64_t timeout_ms)
{
	if (timeout_ms <= 0 || timeout_ms > DEADLINE_NEVER - now_ms)
		return DEADLINE_NEVER;
	return now_ms + timeout_ms;
}

int64_t deadline_earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

uint32_t deadline_left_ms(int64_t deadline_ms, int64_t now_ms)
{
	if (deadline_ms == DEADLINE_NEVER)
		return 0;
	if (deadline_ms <= now_ms)
		return 1;
	return deadline_ms - now_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(deadline_ms - now_ms);
}
