/* Pinned shared libraries: what the loader will map into a plugin's process must be what was
 * pinned. Checked before each start of a process, by the paths that the loader will use. Unlike an
 * executable, a library is not sealed: the loader opens it once more, later, by its path. Between
 * the check and that moment somebody who may write to the library or its directory can still change
 * it; who that is, the directories' owners and modes say. */
#ifndef PLUGD_TRUST_LIBRARIES_H
#define PLUGD_TRUST_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "trust/whitelist.h"

struct libraries;

/* Copies the pins. `must_be_safe`: they are held to whitelist.require_safe_modes. Returns owned. */
struct libraries *libraries_new(const struct whitelist_library *pins, size_t count,
				bool must_be_safe);
void libraries_add(struct libraries *libraries, const struct whitelist_library *pins, size_t count);
void libraries_free(struct libraries *libraries); /* NULL is fine */

/* Are the two pinned alike, in whatever order? `now` is what a list pins for what was started under
 * `then` (NULL: without pins). 0, or -EACCES and *err with ERR_LIBRARY_CHANGED, which names the
 * first that differs. */
int libraries_compare(const struct libraries *then, const struct libraries *now, struct err *err);

/* Holds every pinned file against its hash, its owners and modes against what is safe, and what the
 * loader would load for the program in `fd` against the pins. A file that was hashed before is only
 * looked at: device, inode, size and times. `env` (NULL-terminated, may be NULL) must not have
 * variables that the loader obeys. 0, or -errno and *err with ERR_LIBRARY_CHANGED,
 * ERR_LIBRARY_UNLISTED, ERR_LIBRARY_UNKNOWN or ERR_EXECUTABLE_EXPOSED. */
int libraries_check(struct libraries *libraries, int fd, const char *path, char *const *env,
		    struct err *err);

/* Hashes the file at `path`. 0, or -errno and *err with ERR_LIBRARY_UNKNOWN. */
int libraries_hash(const char *path, struct digest *out, struct err *err);

#endif
