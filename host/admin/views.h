/* What the host shows of itself, as JSON for people and programs. Each returns an owned value. They
 * only look: no view changes anything, and none waits. */
#ifndef PLUGD_ADMIN_VIEWS_H
#define PLUGD_ADMIN_VIEWS_H

#include <jansson.h>

#include "admin/office.h"

json_t *view_status(const struct office *office);

/* `plugin` alone, or all when it is NULL. */
json_t *view_plugins(const struct office *office, const struct target *only);
json_t *view_instances(const struct office *office, const struct target *only);

/* Sets "calls_itself", "version", "sdk" and "services" in `object`; null and none for a manifest
 * that is NULL. */
void view_manifest(json_t *object, const struct manifest *manifest);

/* How a plugin is doing, in words: the first that is true. */
enum plugin_condition {
	PLUGIN_DISABLED, /* by the configuration */
	PLUGIN_STOPPED,	 /* nothing serves it */
	PLUGIN_DRAINING,
	PLUGIN_ASLEEP,	 /* no process until the next call */
	PLUGIN_SERVING,	 /* every instance is ready */
	PLUGIN_SHORT,	 /* some are */
	PLUGIN_DEGRADED, /* some or all are, but none says that it is healthy */
	PLUGIN_REVOKED,	 /* the whitelist does not allow it any more */
	PLUGIN_FAILED,	 /* none is, and none will be: a crash loop */
	PLUGIN_ENDED,	 /* the same, as its restart policy wants it */
	PLUGIN_FAILING,	 /* none is, and the last one failed */
	PLUGIN_STARTING,
};

enum plugin_condition plugin_condition_of(const struct target *target);
const char *plugin_condition_name(enum plugin_condition condition);

#endif
