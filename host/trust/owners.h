/* Who could put other bytes where an executable lies: the owners and modes of the file and of every
 * directory on its path. */
#ifndef PLUGD_TRUST_OWNERS_H
#define PLUGD_TRUST_OWNERS_H

#include "base/err.h"

/* The file that is open at `place` (O_PATH) and every directory from / to it, by its real path:
 * each belongs to root or to this process's user, and neither group nor others may write to it. A
 * directory with the sticky bit, such as /tmp, may be written by all, because nobody can replace
 * what somebody else owns in it, and that owner is looked at next. 0, or -errno and *err with
 * ERR_EXECUTABLE_EXPOSED: the first that is not so, or the path leads elsewhere by now. */
int owners_check(int place, const char *real, struct err *err);

#endif
