/* Reading and judging tokens. The order is fixed: what the bytes are, which key, whether the
 * signature is that key's, and only then what the claims say. A verdict is an answer, not a
 * failure; nothing here can fail. Called by jwt_method.c, plugctl and the tests. */
#include "identity/jwt.h"

#include <stdlib.h>
#include <strings.h>

#include "base/base64.h"
#include "base/mem.h"

#define LAST_SECOND 253402300799 /* of the year 9999 */

static const struct {
	const char *name, *text;
} verdicts[JWT_VERDICT_COUNT] = {
#define JWT_VERDICT(name, text, why) {text, "the token " why},
#include "identity/jwt_verdict.def"
#undef JWT_VERDICT
};

const char *jwt_verdict_name(enum jwt_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *jwt_verdict_text(enum jwt_verdict verdict)
{
	return verdicts[verdict].text;
}

/* ---- the bytes ---- */

/* Exactly three, of which the signature alone may be empty, so that an unsigned token is told
 * apart. */
static bool split(struct str token, struct str parts[3])
{
	const char *first = token.len ? memchr(token.data, '.', token.len) : NULL;
	const char *end = token.data + token.len;
	const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return false;
	parts[0] = (struct str){token.data, (size_t)(first - token.data)};
	parts[1] = (struct str){first + 1, (size_t)(second - first - 1)};
	parts[2] = (struct str){second + 1, (size_t)(end - second - 1)};
	return parts[0].len > 0 && parts[1].len > 0;
}

static json_t *object_of(const uint8_t *text, size_t len)
{
	json_t *value = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

/* ---- the header ---- */

static bool is_type_known(const json_t *typ)
{
	static const char *const names[] = {"JWT", "at+jwt", "application/at+jwt",
					    "application/jwt"};

	if (!typ)
		return true;
	for (size_t i = 0; json_is_string(typ) && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(json_string_value(typ), names[i]) == 0)
			return true;
	}
	return false;
}

static bool has_embedded_key(const json_t *header)
{
	return json_object_get(header, "jwk") || json_object_get(header, "jku") ||
	       json_object_get(header, "x5c") || json_object_get(header, "x5u");
}

static enum jwt_verdict read_alg(const json_t *header, enum jwt_alg *out)
{
	const json_t *alg = json_object_get(header, "alg");

	if (!json_is_string(alg))
		return JWT_IS_NO_ALG;
	if (strcasecmp(json_string_value(alg), "none") == 0)
		return JWT_IS_ALG_NONE;
	*out = jwt_alg_find(str_from(json_string_value(alg)));
	return *out == JWT_ALG_COUNT ? JWT_IS_ALG_UNKNOWN : JWT_IS_GOOD;
}

static enum jwt_verdict read_header(struct jwt *token)
{
	const json_t *kid = json_object_get(token->header, "kid");
	enum jwt_verdict verdict;

	if (json_object_get(token->header, "crit"))
		return JWT_IS_CRITICAL;
	if (has_embedded_key(token->header))
		return JWT_IS_EMBEDDED_KEY;
	if (!is_type_known(json_object_get(token->header, "typ")))
		return JWT_IS_TYPE;
	verdict = read_alg(token->header, &token->alg);
	if (verdict != JWT_IS_GOOD || !kid)
		return verdict;
	token->kid = (struct str){json_string_value(kid), json_string_length(kid)};
	return token->kid.len > 0 && token->kid.len <= JWK_KID_MAX ? JWT_IS_GOOD : JWT_IS_KID;
}

enum jwt_verdict jwt_read(struct str token, size_t limit, struct jwt *out)
{
	struct str parts[3];
	size_t header_len, claims_len, signature_len;
	uint8_t *claims, *signature;

	*out = (struct jwt){0};
	if (token.len > limit)
		return JWT_IS_TOO_LONG;
	if (!split(token, parts))
		return JWT_IS_PARTS;
	out->bytes = mem_alloc(BASE64_DECODED(parts[0].len) + BASE64_DECODED(parts[1].len) +
			       BASE64_DECODED(parts[2].len));
	claims = out->bytes + BASE64_DECODED(parts[0].len);
	signature = claims + BASE64_DECODED(parts[1].len);
	if (!base64url_decode(parts[0], out->bytes, &header_len) ||
	    !base64url_decode(parts[1], claims, &claims_len) ||
	    !base64url_decode(parts[2], signature, &signature_len))
		return JWT_IS_ENCODING;
	out->message = (struct str){token.data, parts[0].len + 1 + parts[1].len};
	out->signature = (struct str){(const char *)signature, signature_len};
	out->header = object_of(out->bytes, header_len);
	if (!out->header)
		return JWT_IS_HEADER;
	out->claims = object_of(claims, claims_len);
	return out->claims ? read_header(out) : JWT_IS_CLAIMS;
}

void jwt_deinit(struct jwt *token)
{
	json_decref(token->header);
	json_decref(token->claims);
	free(token->bytes);
	*token = (struct jwt){0};
}

const char *jwt_issuer(const struct jwt *token)
{
	return json_string_value(json_object_get(token->claims, "iss"));
}

/* ---- the signature ---- */

static enum jwt_verdict verify_signature(const struct jwt *token, const struct keyset *set)
{
	struct jwk *key = NULL;

	switch (keyset_find(set, token->kid, token->alg, &key)) {
	case KEYSET_NO_KID:
		return JWT_IS_KID_UNKNOWN;
	case KEYSET_NO_ALG:
		return JWT_IS_ALG_MISMATCH;
	case KEYSET_VAGUE:
		return JWT_IS_KID_VAGUE;
	case KEYSET_FOUND:
		break;
	}
	return jwk_verify(key, token->alg, token->message, token->signature) ? JWT_IS_GOOD
									     : JWT_IS_SIGNATURE;
}

/* ---- the claims ---- */

/* NumericDate: a number of seconds, which may have a fraction (RFC 7519, 2). False: it is none. */
static bool second_of(const json_t *claim, bool round_up, int64_t *out)
{
	double value = json_number_value(claim);

	if (!json_is_number(claim) || !(value >= 0) || value > LAST_SECOND)
		return false;
	*out = (int64_t)value;
	if (round_up && (double)*out < value)
		++*out;
	return true;
}

static enum jwt_verdict check_times(const json_t *claims, int64_t leeway_s, int64_t now_s)
{
	const json_t *exp = json_object_get(claims, "exp");
	const json_t *nbf = json_object_get(claims, "nbf");
	const json_t *iat = json_object_get(claims, "iat");
	int64_t end, begin = 0, issued = 0;

	if (!exp)
		return JWT_IS_NO_EXPIRY;
	if (!second_of(exp, false, &end) || (nbf && !second_of(nbf, true, &begin)) ||
	    (iat && !second_of(iat, false, &issued)))
		return JWT_IS_CLAIM_TYPE;
	if (now_s >= end + leeway_s)
		return JWT_IS_EXPIRED;
	if (now_s + leeway_s < begin)
		return JWT_IS_NOT_YET;
	return now_s + leeway_s < issued ? JWT_IS_FROM_FUTURE : JWT_IS_GOOD;
}

static bool is_among(const json_t *text, char *const *names)
{
	for (; json_is_string(text) && *names; names++) {
		if (strcmp(json_string_value(text), *names) == 0)
			return true;
	}
	return false;
}

/* One text or a list of them (RFC 7519, 4.1.3). */
static enum jwt_verdict check_audience(const json_t *claims, char *const *audiences)
{
	const json_t *aud = json_object_get(claims, "aud");
	const json_t *one;
	bool is_meant = false;
	size_t i;

	if (aud && !json_is_string(aud) && !json_is_array(aud))
		return JWT_IS_CLAIM_TYPE;
	if (!audiences)
		return JWT_IS_GOOD;
	json_array_foreach (aud, i, one) {
		if (!json_is_string(one))
			return JWT_IS_CLAIM_TYPE;
		is_meant = is_meant || is_among(one, audiences);
	}
	return is_meant || is_among(aud, audiences) ? JWT_IS_GOOD : JWT_IS_AUDIENCE;
}

static enum jwt_verdict check_issuer(const json_t *claims, const char *issuer)
{
	const json_t *iss = json_object_get(claims, "iss");

	if (iss && !json_is_string(iss))
		return JWT_IS_CLAIM_TYPE;
	if (!issuer)
		return JWT_IS_GOOD;
	return iss && strcmp(json_string_value(iss), issuer) == 0 ? JWT_IS_GOOD : JWT_IS_ISSUER;
}

/* A claim that is null is not there. */
static enum jwt_verdict check_required(const json_t *claims, char *const *names)
{
	const json_t *sub = json_object_get(claims, "sub");

	if (sub && !json_is_string(sub))
		return JWT_IS_CLAIM_TYPE;
	for (; names && *names; names++) {
		const json_t *claim = json_object_get(claims, *names);

		if (!claim || json_is_null(claim))
			return JWT_IS_CLAIM_MISSING;
	}
	return JWT_IS_GOOD;
}

static enum jwt_verdict check_claims(const json_t *claims, const struct jwt_policy *policy,
				     int64_t now_s)
{
	enum jwt_verdict verdict = check_issuer(claims, policy->issuer);

	if (verdict == JWT_IS_GOOD)
		verdict = check_times(claims, policy->leeway_s, now_s);
	if (verdict == JWT_IS_GOOD)
		verdict = check_audience(claims, policy->audiences);
	if (verdict == JWT_IS_GOOD)
		verdict = check_required(claims, policy->required_claims);
	return verdict;
}

enum jwt_verdict jwt_verify(const struct jwt *token, const struct keyset *set,
			    const struct jwt_policy *policy, int64_t now_s)
{
	enum jwt_verdict verdict;

	if (!(policy->algs & JWT_BIT(token->alg)))
		return JWT_IS_ALG_REFUSED;
	if (!set)
		return JWT_IS_NO_KEYS;
	verdict = verify_signature(token, set);
	return verdict == JWT_IS_GOOD ? check_claims(token->claims, policy, now_s) : verdict;
}

int64_t jwt_good_until(const struct jwt *token, const struct jwt_policy *policy)
{
	int64_t end = 0;

	second_of(json_object_get(token->claims, "exp"), false, &end);
	return end + policy->leeway_s - 1;
}
