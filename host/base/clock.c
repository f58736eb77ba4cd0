/* Reads the kernel's clocks. The loop reads the time once a turn; the log and the benchmarks read
 * it too. */
#include "base/clock.h"

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
