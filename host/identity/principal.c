/* Who asks. What goes to plugins is encoded once, when the principal is made, and not for each
 * call. Owns nothing; called by the methods. */
#include "identity/principal.h"

#include <jansson.h>
#include <stdlib.h>

#include "proto/wire_caller.h"

static struct wire_bytes bytes_of(struct str text)
{
	return (struct wire_bytes){(const uint8_t *)text.data, text.len};
}

static size_t list_bytes(const struct str *texts, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += wire_text_bytes(texts[i].len);
	return size;
}

static struct wire_bytes encode_list(unsigned field, const struct str *texts, size_t count,
				     struct arena *arena)
{
	uint8_t *out = arena_alloc(arena, list_bytes(texts, count));
	uint8_t *at = out;

	for (size_t i = 0; i < count; i++)
		at += wire_put_text(at, field, bytes_of(texts[i]));
	return (struct wire_bytes){out, (size_t)(at - out)};
}

bool principal_seal(struct principal *principal, struct arena *arena)
{
	struct wire_caller caller = {
		.method = bytes_of(str_from(principal->method)),
		.claims = bytes_of(principal->claims_json),
	};
	uint8_t *out;

	if (principal->subject.len + principal->tenant.len + principal->claims_json.len +
		    list_bytes(principal->roles, principal->role_count) +
		    list_bytes(principal->scopes, principal->scope_count) >
	    PRINCIPAL_MAX_BYTES)
		return false;
	caller.roles = encode_list(WIRE_CALLER_ROLES_FIELD, principal->roles, principal->role_count,
				   arena);
	caller.scopes = encode_list(WIRE_CALLER_SCOPES_FIELD, principal->scopes,
				    principal->scope_count, arena);
	out = arena_alloc(arena, wire_caller_bytes(&caller));
	principal->caller = (struct wire_bytes){out, wire_put_caller(out, &caller)};
	return true;
}

struct str principal_claims_json(const struct principal *principal, struct arena *arena)
{
	json_t *object = json_object();
	struct str text = {NULL, 0};
	char *dump;

	for (size_t i = 0; i < principal->claim_count; i++) {
		const struct claim *claim = &principal->claims[i];

		json_object_set_new(object, arena_strndup(arena, claim->name),
				    json_stringn(claim->value.data, claim->value.len));
	}
	dump = principal->claim_count > 0 ? json_dumps(object, JSON_COMPACT) : NULL;
	if (dump)
		text = arena_str(arena, str_from(dump));
	free(dump);
	json_decref(object);
	return text;
}

static bool is_among(struct str text, const struct str *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(texts[i], text))
			return true;
	}
	return false;
}

bool principal_has_role(const struct principal *principal, struct str role)
{
	return is_among(role, principal->roles, principal->role_count);
}

bool principal_has_scope(const struct principal *principal, struct str scope)
{
	return is_among(scope, principal->scopes, principal->scope_count);
}

/* `tenant` is a claim of everybody who has one, wherever it was read from. */
bool principal_has_claim(const struct principal *principal, struct str name, struct str value)
{
	if (principal->tenant.len > 0 && str_eq(name, STR_LITERAL("tenant")))
		return str_eq(principal->tenant, value);
	for (size_t i = 0; i < principal->claim_count; i++) {
		if (str_eq(principal->claims[i].name, name) &&
		    str_eq(principal->claims[i].value, value))
			return true;
	}
	return false;
}
