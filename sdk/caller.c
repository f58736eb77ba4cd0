/* Who asks, as a handler reads it. The message stays encoded until somebody wants to know; the
 * codec has checked it when the call came. */
#include <string.h>

#include "proto/wire_caller.h"
#include "sdk/runtime.h"

static struct wire_caller caller_of(const struct plug_call *call)
{
	struct wire_caller caller;
	const char *why;

	if (!wire_get_caller(call->head.caller, &caller, &why))
		return (struct wire_caller){0};
	return caller;
}

static bool has_text(struct wire_bytes texts, unsigned field, const char *wanted)
{
	struct wire_bytes text;
	size_t len = strlen(wanted);

	while (wire_next_text(&texts, field, &text)) {
		if (text.len == len && memcmp(text.data, wanted, len) == 0)
			return true;
	}
	return false;
}

static const char *text_at(struct plug_call *call, struct wire_bytes texts, unsigned field,
			   size_t index)
{
	struct wire_bytes text;

	for (size_t i = 0; wire_next_text(&texts, field, &text); i++) {
		if (i == index)
			return call_string(call, text);
	}
	return NULL;
}

const char *plug_caller_method(struct plug_call *call)
{
	return call_string(call, caller_of(call).method);
}

bool plug_caller_has_role(const struct plug_call *call, const char *role)
{
	return has_text(caller_of(call).roles, WIRE_CALLER_ROLES_FIELD, role);
}

bool plug_caller_has_scope(const struct plug_call *call, const char *scope)
{
	return has_text(caller_of(call).scopes, WIRE_CALLER_SCOPES_FIELD, scope);
}

const char *plug_caller_role(struct plug_call *call, size_t index)
{
	return text_at(call, caller_of(call).roles, WIRE_CALLER_ROLES_FIELD, index);
}

const char *plug_caller_scope(struct plug_call *call, size_t index)
{
	return text_at(call, caller_of(call).scopes, WIRE_CALLER_SCOPES_FIELD, index);
}

const char *plug_caller_claims(struct plug_call *call)
{
	return call_string(call, caller_of(call).claims);
}
