/* A file that somebody may replace while we run: tells when there is another one at its path.
 * Editors rename, orchestrators turn a symbolic link: both count. */
#ifndef PLUGD_BASE_WATCH_H
#define PLUGD_BASE_WATCH_H

#include "base/loop.h"

/* A file has to stay the same for so long before it is told: nobody wants half of one. */
#define WATCH_SETTLE_MS 100

struct watch;

/* on_change comes when the file at `path` is another one, or has been written, than when it was
 * looked at last. Copies the path. Returns owned; NULL with errno when the kernel can't. */
struct watch *watch_start(struct loop *loop, const char *path, void (*on_change)(void *user),
			  void *user);
void watch_stop(struct watch *watch); /* frees; NULL is fine */

#endif
