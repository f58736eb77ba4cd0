/* What a plugin says with LOG, as a record of the host's log. */
#ifndef PLUGD_PLUGIN_PLUGIN_LOG_H
#define PLUGD_PLUGIN_PLUGIN_LOG_H

#include "base/err.h"
#include "observe/log.h"
#include "proto/wire.h"

/* Writes the body of a LOG as the event "plugin.log", under the names of plugin and instance. 0, or
 * -EINVAL with *err: it is not a valid message. */
int plugin_log_take(struct log *log, const char *plugin, const char *instance,
		    struct wire_bytes body, struct err *err);

#endif
