/* A number that nobody can foresee, for jitter. */
#ifndef PLUGD_BASE_RANDOM_H
#define PLUGD_BASE_RANDOM_H

#include <stdint.h>

/* Never waits and never fails: 0 when the kernel has none yet. */
uint32_t random_u32(void);

#endif
