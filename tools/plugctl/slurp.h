/* A whole file, or all of standard input, into memory. */
#ifndef PLUGCTL_SLURP_H
#define PLUGCTL_SLURP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends what `path` holds ("-": standard input). 0, or -errno and *err: it can't be read, or has
 * more than `max` bytes. */
int slurp(const char *path, size_t max, struct buf *out, struct err *err);

#endif
