/* The two clocks of the kernel. Only who does I/O reads them; decisions get the time as an
 * argument. */
#ifndef PLUGD_BASE_CLOCK_H
#define PLUGD_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); /* since boot; for deadlines and intervals */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970, UTC; for people */

/* "2026-11-27T02:30:01" of so many seconds since 1970, as ISO 8601 wants it, and in UTC.
 * `out` holds CLOCK_TEXT bytes; returns it. */
#define CLOCK_TEXT 32
char *clock_format(char *out, int64_t wall_s);

#endif
