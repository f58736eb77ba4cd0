/* The ways in which a client can say who it is. The table is all that the rest of plugd knows of
 * them: the configuration takes their names from it, the edge its challenges. */
#include "identity/method.h"

#include "identity/api_keys.h"
#include "identity/basic.h"
#include "identity/certificates.h"
#include "identity/jwt_method.h"
#include "observe/errors.h"

const struct method auth_methods[] = {
	{"api_key", CREDENTIAL_API_KEY, "ApiKey", NULL, api_key_verify},
	{"basic", CREDENTIAL_BASIC, "Basic", basic_peek, basic_verify},
	{"jwt", CREDENTIAL_BEARER, "Bearer", NULL, jwt_method_verify, ERR_TOKEN_KEYS_AWAITED},
	{"mtls", CREDENTIAL_CERTIFICATE, NULL, NULL, certificate_verify},
	{0},
};

const struct method *method_find(struct str name)
{
	for (size_t i = 0; auth_methods[i].name; i++) {
		if (str_eq(name, str_from(auth_methods[i].name)))
			return &auth_methods[i];
	}
	return NULL;
}

const struct method *method_of(enum credential_kind kind)
{
	for (size_t i = 0; auth_methods[i].name; i++) {
		if (auth_methods[i].kind == kind)
			return &auth_methods[i];
	}
	return NULL;
}

/* `error` and `scope` are ours or an operator's, checked to be without quotes. */
struct str method_challenge(const struct method *method, const char *realm, const char *error,
			    struct str scope, struct arena *arena)
{
	bool is_bearer = method->kind == CREDENTIAL_BEARER;
	const char *text;

	if (!method->scheme)
		return (struct str){NULL, 0};
	text = arena_printf(arena, "%s realm=\"%s\"", method->scheme, realm);
	if (method->kind == CREDENTIAL_BASIC)
		text = arena_printf(arena, "%s, charset=\"UTF-8\"", text);
	if (is_bearer && error)
		text = arena_printf(arena, "%s, error=\"%s\"", text, error);
	if (is_bearer && scope.len > 0)
		text = arena_printf(arena, "%s, scope=\"%.*s\"", text, STR_ARG(scope));
	return str_from(text);
}
