/* The whitelist that is on disk now, as a whole or not at all. Part of the composition root. */
#ifndef PLUGD_PINS_H
#define PLUGD_PINS_H

#include "base/err.h"
#include "observe/log.h"
#include "trust/whitelist.h"

/* 0 with *out (returns owned; NULL when there is no file), or -errno with *err: the last of its
 * problems, which are all in the log. */
int pins_load(struct log *log, const char *file, struct whitelist **out, struct err *err);

#endif
