/* Reads the kernel's clocks. The loop reads the time once a turn; the log and the benchmarks read
 * it too. */
#include "base/clock.h"

#include <string.h>
#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now); /* can't fail for these two clocks */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_mono_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

char *clock_format(char *out, int64_t wall_s)
{
	time_t when = (time_t)wall_s;
	struct tm utc;

	if (!gmtime_r(&when, &utc) || strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		strcpy(out, "0000-00-00T00:00:00");
	return out;
}
