/* When a call must have ended. Pure: times are arguments, in milliseconds of the monotonic
 * clock. */
#ifndef PLUGD_DISPATCH_DEADLINE_H
#define PLUGD_DISPATCH_DEADLINE_H

#include <stdint.h>

#define DEADLINE_NEVER INT64_MAX

/* now + timeout; 0 or less: never. Never overflows. */
int64_t deadline_in(int64_t now_ms, int64_t timeout_ms);

int64_t deadline_earlier(int64_t a_ms, int64_t b_ms);

/* What is left, as the wire tells it: at least 1 while anything is left, 0 for never. Past ones are
 * 1: the frame would be late, not unlimited. */
uint32_t deadline_left_ms(int64_t deadline_ms, int64_t now_ms);

#endif
