/* What the host itself answers when a plugin calls it: plugd.host.v1.Host. */
#ifndef PLUGD_HOST_SERVICE_H
#define PLUGD_HOST_SERVICE_H

#include <stdint.h>

#include "base/err.h"
#include "plugin/instance.h"
#include "registry/service.h"

struct host_service {
	const char *version;
	const struct registry *registry;
	int64_t started_ms;
};

/* Every requirement must be met before a plugin may start: 0, or -ENOENT with *err naming the one
 * that isn't. */
int host_service_check(const struct manifest *manifest, struct err *err);

/* Answers a plugin's call. */
void host_service_call(const struct host_service *service, const char *plugin,
		       struct instance *instance, const struct manifest_requirement *requirement,
		       const struct wire_request *request, int64_t now_ms);

#endif
