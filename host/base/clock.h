/* The two clocks of the kernel. Only who does I/O reads them; decisions get the time as an
 * argument. */
#ifndef PLUGD_BASE_CLOCK_H
#define PLUGD_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); /* since boot; for deadlines and intervals */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970, UTC; for people */

#endif
