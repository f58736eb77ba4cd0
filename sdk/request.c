/* What a handler reads of its call. Nothing is parsed or copied before it is asked for: the
 * accessors scan the encoded request, and a string is copied (to be terminated) when it is handed
 * out. The copies belong to the call. */
#include <string.h>

#include "sdk/runtime.h"

struct plug *plug_call_plug(const struct plug_call *call)
{
	return call->plug;
}

void *plug_call_user(const struct plug_call *call)
{
	return call->plug->plugin->user;
}

const struct plug_method *plug_call_method(const struct plug_call *call)
{
	return call->entry->method;
}

unsigned plug_attempt(const struct plug_call *call)
{
	return call->head.attempt;
}

const char *plug_idempotency_key(struct plug_call *call)
{
	return call_string(call, call->head.idempotency_key);
}

const char *plug_tenant(struct plug_call *call)
{
	return call_string(call, call->head.tenant);
}

const char *plug_principal(struct plug_call *call)
{
	return call_string(call, call->head.principal);
}

const char *plug_trace_parent(struct plug_call *call)
{
	return call_string(call, call->head.trace_parent);
}

const char *plug_trace_state(struct plug_call *call)
{
	return call_string(call, call->head.trace_state);
}

const char *plug_metadata(struct plug_call *call, const char *name)
{
	struct wire_bytes pairs = call->head.metadata;
	struct wire_bytes key;
	struct wire_bytes value;
	size_t len = strlen(name);

	while (wire_next_pair(&pairs, WIRE_REQUEST_METADATA_FIELD, &key, &value)) {
		if (key.len == len && memcmp(key.data, name, len) == 0)
			return call_string(call, value);
	}
	return NULL;
}

int64_t plug_deadline_ms(const struct plug_call *call)
{
	int64_t left;

	if (call->deadline_ms == 0)
		return -1;
	left = call->deadline_ms - plug_now_ms();
	return left > 0 ? left : 0;
}

bool plug_is_cancelled(const struct plug_call *call)
{
	return atomic_load(&call->cancelled) != 0 || plug_deadline_ms(call) == 0;
}

struct plug_bytes plug_request(struct plug_call *call)
{
	if (call->request.len == 0)
		return (struct plug_bytes){"", 0};
	return (struct plug_bytes){call->request.data, call->request.len};
}
