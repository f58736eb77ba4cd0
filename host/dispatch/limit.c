/* How many calls of one plugin run at once: a counter with a waiting room. */
#include "dispatch/limit.h"

#include <assert.h>

enum limit_verdict limit_enter(struct limit *limit)
{
	if (!limit->held && limit->running < limit->max_running && limit->waiting == 0) {
		limit->running++;
		return LIMIT_RUN;
	}
	if (limit->waiting < limit->max_waiting) {
		limit->waiting++;
		return LIMIT_WAIT;
	}
	return LIMIT_REFUSE;
}

bool limit_go_back(struct limit *limit)
{
	limit_leave(limit);
	if (limit->waiting >= limit->max_waiting)
		return false;
	limit->waiting++;
	return true;
}

void limit_abandon(struct limit *limit)
{
	assert(limit->waiting > 0);
	limit->waiting--;
}

void limit_leave(struct limit *limit)
{
	assert(limit->running > 0);
	limit->running--;
}

bool limit_next(struct limit *limit)
{
	if (limit->held || limit->waiting == 0 || limit->running >= limit->max_running)
		return false;
	limit->waiting--;
	limit->running++;
	return true;
}
