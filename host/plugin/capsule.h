/* What is kept of a crash: how the process ended and why, its last words, what it used, what it was
 * doing and for whom, and which bytes it was. One JSON object; docs/OPERATIONS.md explains its
 * members. */
#ifndef PLUGD_PLUGIN_CAPSULE_H
#define PLUGD_PLUGIN_CAPSULE_H

#include <jansson.h>

#include "base/err.h"
#include "plugin/instance.h"

/* Of an instance that is dead, for a reason. `wall_ms`: when it ended, since 1970. Returns
 * owned. */
json_t *capsule_new(const struct instance *instance, const struct err *why, int64_t wall_ms);

/* Its name: "20261127T023001.123Z-echo-1-2", in the order of time. Borrows from the capsule. */
const char *capsule_id(const json_t *capsule);

#endif
