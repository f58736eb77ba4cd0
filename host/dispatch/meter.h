/* What the calls of one method are counted in. Found once, when a plugin tells of the method, and
 * given to every call of it. Pure. */
#ifndef PLUGD_DISPATCH_METER_H
#define PLUGD_DISPATCH_METER_H

#include <stdint.h>

#include "dispatch/outcome.h"
#include "observe/metrics.h"

struct meter;

/* The methods of all plugins that there ever were. */
struct meters;

/* Returns owned. `metrics` is borrowed. */
struct meters *meters_new(struct metrics *metrics);
void meters_free(struct meters *meters); /* NULL is fine */

/* The one of that method, made if there is none; valid until meters_free(). NULL: `meters` is
 * NULL. */
struct meter *meters_take(struct meters *meters, const char *plugin, const char *service,
			  const char *method);

/* A call is over. A NULL meter counts nothing. */
void meter_count(struct meter *meter, enum outcome outcome, int64_t queue_us, int64_t plugin_us);

#endif
