/* What a process holds of the machine, as the kernel counts it. */
#ifndef PLUGD_ADMIN_USAGE_H
#define PLUGD_ADMIN_USAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Bytes of a process in memory now; pid 0 is the host itself. -1: it can't be told. */
int64_t usage_rss_bytes(pid_t pid);

#endif
