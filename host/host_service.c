/* What the host itself answers when a plugin calls it.
 *
 * One service with one method so far: who am I, and who runs me. Calls from one plugin to another
 * are not served: a plugin that requires another's service is refused at its handshake with that
 * reason, and an optional requirement is answered UNIMPLEMENTED. Owns nothing. */
#include "host_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dispatch/outcome.h"
#include "observe/errors.h"
#include "proto/host.pb-c.h"

#define HOST_SERVICE "plugd.host.v1.Host"
#define HOST_INFO    "Info"

static bool is_offered(const struct manifest_requirement *requirement)
{
	return strcmp(requirement->service, HOST_SERVICE) == 0 &&
	       strcmp(requirement->method, HOST_INFO) == 0;
}

int host_service_check(const struct manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->requirement_count; i++) {
		const struct manifest_requirement *requirement = &manifest->requirements[i];

		if (requirement->optional || is_offered(requirement))
			continue;
		err_set(err, ERR_REGISTRY_NO_SERVICE,
			"it requires %s/%s, which this host does not offer", requirement->service,
			requirement->method);
		return -ENOENT;
	}
	return 0;
}

static void answer_info(const struct host_service *service, const char *plugin,
			struct instance *instance, uint32_t id, int64_t now_ms)
{
	Plugd__Host__V1__InfoResponse info = PLUGD__HOST__V1__INFO_RESPONSE__INIT;
	struct incoming_answer answer = {.code = 0};
	const char **names;
	size_t len;
	uint8_t *out;

	info.host_version = (char *)service->version;
	info.plugin_name = (char *)plugin;
	info.instance_id = (char *)instance_id(instance);
	info.uptime_ms = (uint64_t)(now_ms - service->started_ms);
	info.n_services = registry_services(service->registry, &names);
	info.services = (char **)names;
	len = plugd__host__v1__info_response__get_packed_size(&info);
	out = mem_alloc(len + 1);
	plugd__host__v1__info_response__pack(&info, out);
	answer.payload = (struct wire_bytes){out, len};
	if (len > WIRE_CHUNK_BYTES)
		answer = (struct incoming_answer){
			.code = outcome_row(OUTCOME_RESOURCE_EXHAUSTED)->code,
			.message = STR_LITERAL("the list of services is too long for one frame")};
	instance_answer(instance, id, &answer);
	free(out);
	free(names);
}

void host_service_call(const struct host_service *service, const char *plugin,
		       struct instance *instance, const struct manifest_requirement *requirement,
		       const struct wire_request *request, int64_t now_ms)
{
	if (is_offered(requirement)) {
		answer_info(service, plugin, instance, request->id, now_ms);
		return;
	}
	instance_answer(
		instance, request->id,
		&(struct incoming_answer){.code = outcome_row(OUTCOME_UNIMPLEMENTED)->code,
					  .message = STR_LITERAL("this host does not offer that")});
}
