/* Pinned shared libraries: what the loader will map into a plugin's process must be what was
 * pinned. Checked before each start of a process, by the paths that the loader will use. Unlike an
 * executable, a library is not sealed: the loader opens it once more, later, by its path. Between
 * the check and that moment somebody who may write to the library or its directory can still change
 * it; who that is, the directories' owners and modes say. */
#ifndef PLUGD_TRUST_LIBRARIES_H
#define PLUGD_TRUST_LIBRARIES_H

#include <stddef.h>

#include "base/err.h"
#include "trust/whitelist.h"

struct libraries;

/* Copies the pins. Returns owned. */
struct libraries *libraries_new(const struct whitelist_library *pins, size_t count);
void libraries_add(struct libraries *libraries, const struct whitelist_library *pins, size_t count);
void libraries_free(struct libraries *libraries); /* NULL is fine */

/* Holds every pinned file against its hash, and what the loader would load for the program in `fd`
 * against the pins. A file that was hashed before is only looked at: device, inode, size and times.
 * `env` (NULL-terminated, may be NULL) must not have variables that the loader obeys. 0, or -errno
 * and *err with ERR_LIBRARY_CHANGED, ERR_LIBRARY_UNLISTED or ERR_LIBRARY_UNKNOWN. */
int libraries_check(struct libraries *libraries, int fd, const char *path, char *const *env,
		    struct err *err);

/* Hashes the file at `path`. 0, or -errno and *err with ERR_LIBRARY_UNKNOWN. */
int libraries_hash(const char *path, struct digest *out, struct err *err);

#endif
