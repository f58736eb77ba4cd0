/* Rules for texts about who clients are. Roles, scopes and realms go into headers and into what
 * plugins are told, so what could be read in two ways there is refused here. */
#include "config/rules.h"

#include "edge/forwarded.h"
#include "identity/certificates.h"
#include "identity/jwt_alg.h"
#include "identity/method.h"
#include "net/chars.h"
#include "net/fetch.h"

const char *rule_auth_method(struct str text)
{
	if (method_find(text) || str_eq(text, STR_LITERAL(METHOD_NONE)))
		return NULL;
	return "is no way to say who one is; write " METHOD_NAMES ", or none";
}

const char *rule_auth_text(struct str text)
{
	return chars_is_clean_utf8(text) ? NULL : "has control characters in it; leave them out";
}

/* RFC 6749, 3.3: printable ASCII without blanks, quotes and backslashes. */
const char *rule_auth_scope(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\\')
			return "is no scope; write printable ASCII characters without blanks, "
			       "quotes and backslashes";
	}
	return NULL;
}

const char *rule_auth_claim(struct str text)
{
	if (text.data[0] == '=' || !memchr(text.data, '=', text.len))
		return "is no claim with its value; write one such as tenant=acme";
	return rule_auth_text(text);
}

const char *rule_auth_realm(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			return "is no realm; write printable ASCII characters without quotes and "
			       "backslashes";
	}
	return NULL;
}

const char *rule_auth_header(struct str text)
{
	if (!chars_is_token(text))
		return "is not the name of a header";
	if (str_eq_nocase(text, STR_LITERAL("authorization")) ||
	    str_eq_nocase(text, STR_LITERAL("cookie")))
		return "holds other things than API keys; choose a header of its own";
	if (forwarded_is_claim(text))
		return "is taken out of every request, because anybody may write there who asks; "
		       "choose another header";
	return NULL;
}

const char *rule_auth_rpc(struct str text)
{
	struct str all = STR_LITERAL("/*");

	if (text.len > all.len &&
	    str_eq((struct str){text.data + text.len - all.len, all.len}, all))
		return rule_auth_text(text);
	return rule_rpc(text);
}

const char *rule_jwt_algorithm(struct str text)
{
	if (jwt_alg_find(text) != JWT_ALG_COUNT)
		return NULL;
	return "is no algorithm of signatures; write one such as RS256, PS256, ES256, EdDSA or "
	       "HS256";
}

const char *rule_jwks_url(struct str text)
{
	return fetch_check_url(text);
}

const char *rule_certificate_subject(struct str text)
{
	return certificate_check_subject(text);
}

const char *rule_certificate_name(struct str text)
{
	return certificate_check_name(text);
}

const char *rule_certificate_fingerprint(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!memchr("0123456789abcdefABCDEF", text.data[i], 22))
			return "is no fingerprint; write the SHA-256 as 64 hexadecimal digits";
	}
	return NULL;
}
