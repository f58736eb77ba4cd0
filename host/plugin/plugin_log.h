/* What a plugin says with LOG, as a record of the host's log. */
#ifndef PLUGD_PLUGIN_PLUGIN_LOG_H
#define PLUGD_PLUGIN_PLUGIN_LOG_H

#include "base/err.h"
#include "observe/log.h"
#include "plugin/redact.h"
#include "proto/wire.h"

/* Who says it. */
struct log_speaker {
	const char *plugin;
	const char *instance;
	const struct redactor *redactor; /* of its secrets; NULL: it has none */
};

/* Writes the body of a LOG as the event "plugin.log", under the names of plugin and instance and
 * without secrets. 0, or -EINVAL with *err: it is not a valid message. */
int plugin_log_take(struct log *log, const struct log_speaker *speaker, struct wire_bytes body,
		    struct err *err);

#endif
