/* The crash capsules that are kept: in a directory, one file each, the oldest removed beyond a
 * limit; without a directory in memory, for as long as the host runs. */
#ifndef PLUGD_PLUGIN_CRASHES_H
#define PLUGD_PLUGIN_CRASHES_H

#include <jansson.h>

#include "base/err.h"
#include "observe/log.h"
#include "plugin/crash_opts.h"

struct crashes;

/* Makes the directory (mode 0700) if its parent is there. NULL with *err: it can't be used. Borrows
 * the log. */
struct crashes *crashes_new(const struct crash_opts *opts, struct log *log, struct err *err);
void crashes_free(struct crashes *crashes); /* NULL is fine */

/* Another limit, from now on. */
void crashes_limit(struct crashes *crashes, unsigned keep);

/* Takes the capsule. What can't be written is logged, and is kept nowhere. */
void crashes_add(struct crashes *crashes, json_t *capsule);

/* All of them, or those of a plugin, the newest first. Reads files. Returns owned: an array of
 * capsules; what is no capsule in the directory is left out. */
json_t *crashes_list(const struct crashes *crashes, const char *plugin);

/* The one of that name. Returns owned; NULL: there is none. */
json_t *crashes_find(const struct crashes *crashes, const char *id);

#endif
