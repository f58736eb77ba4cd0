/* Intervals, one after the other: each is judged by the least of its samples when it is over, which
 * is found out by whoever comes next. Intervals in which nothing happened were not late. mw_shed.c
 * asks, the door and the loop tell. */
#include "edge/shedding.h"

static bool was_late(const struct lateness *lateness, const struct lateness_limit *limit)
{
	return lateness->samples >= LATENESS_SAMPLES && lateness->least_us >= limit->limit_us;
}

static unsigned level_after(unsigned level, bool late)
{
	if (late)
		return level < SHEDDING_MOST ? level + 1 : level;
	return level > 0 ? level - 1 : 0;
}

/* Judges the interval that is over, and those without a sample that have passed since. */
static void roll(struct lateness *lateness, const struct lateness_limit *limit, int64_t now_us)
{
	int64_t passed_us = now_us - lateness->since_us;
	int64_t over;

	if (passed_us < limit->interval_us)
		return;
	over = passed_us / limit->interval_us;
	lateness->level = level_after(lateness->level, was_late(lateness, limit));
	lateness->level = lateness->level > over - 1 ? lateness->level - (unsigned)(over - 1) : 0;
	lateness->since_us += over * limit->interval_us;
	lateness->samples = 0;
}

void lateness_note(struct lateness *lateness, const struct lateness_limit *limit, int64_t took_us,
		   int64_t now_us)
{
	if (limit->limit_us == 0)
		return;
	roll(lateness, limit, now_us);
	if (lateness->samples == 0 || took_us < lateness->least_us)
		lateness->least_us = took_us;
	lateness->samples++;
}

unsigned lateness_level(struct lateness *lateness, const struct lateness_limit *limit,
			int64_t now_us)
{
	if (limit->limit_us == 0)
		return 0;
	roll(lateness, limit, now_us);
	return lateness->level;
}

bool shedding_refuses(unsigned level, enum priority priority)
{
	return (unsigned)(PRIORITY_LOW - priority) < level;
}

const char *priority_name(enum priority priority)
{
	static const char *const names[PRIORITY_COUNT] = {
		[PRIORITY_CRITICAL] = "critical",
		[PRIORITY_HIGH] = "high",
		[PRIORITY_NORMAL] = "normal",
		[PRIORITY_LOW] = "low",
	};

	return names[priority];
}
