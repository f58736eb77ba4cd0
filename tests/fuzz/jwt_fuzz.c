/* Any bytes as a token, and any two lines as the header and the claims of one that is signed: what
 * is found good has an end that has not come and somebody whom it names, and nothing is good by a
 * key that nobody has. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "identity/jwt_keys.h"
#include "identity/jwt_principal.h"

#define NOW   1800000000
#define LIMIT 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str secret = {"0123456789abcdef0123456789abcdef", 32};

/* RFC 7515, A.3, and RFC 8037, A.4: everybody knows the private keys, the fuzzer does not. */
static const char public_keys[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":\"OKP\",\"crv\":"
	"\"Ed25519\","
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"kid\":\"a\"}]}";

static const struct jwt_issuer_opts meaning = {
	.subject_claim = (char *)"sub",
	.roles_claim = (char *)"realm.roles",
	.tenant_claim = (char *)"tid",
};

static struct keyset *public_set(void)
{
	static struct keyset *set;
	struct err err;

	if (!set && keyset_parse(str_from(public_keys), JWT_ALL, 1, &set, &err) < 0)
		abort();
	return set;
}

static struct keyset *secret_set(void)
{
	static struct keyset *set;
	struct err err;

	if (!set && keyset_of_secret(secret, JWT_ALL_HMAC, 1, &set, &err) < 0)
		abort();
	return set;
}

static enum jwt_verdict judge(struct str text, const struct keyset *set)
{
	const struct jwt_policy policy = {.algs = JWT_ALL, .leeway_s = 30};
	struct arena arena = {0};
	struct principal who;
	struct jwt token;
	enum jwt_verdict verdict = jwt_read(text, LIMIT, &token);

	if (verdict == JWT_IS_GOOD)
		verdict = jwt_verify(&token, set, &policy, NOW);
	if (verdict == JWT_IS_GOOD) {
		assert(jwt_good_until(&token, &policy) >= NOW);
		if (jwt_principal_make(token.claims, &meaning, &arena, &who) == JWT_IS_GOOD)
			assert(who.subject.len > 0 && who.caller.len <= PRINCIPAL_MAX_BYTES * 2);
	}
	arena_deinit(&arena);
	jwt_deinit(&token);
	return verdict;
}

/* As an issuer would sign it, whatever it says. */
static char *sign(struct str header, struct str claims)
{
	const struct jwt_signer signer = {.alg = JWT_HS256, .secret = secret};
	size_t room = BASE64_TEXT(header.len) + BASE64_TEXT(claims.len) + 64;
	char *text = malloc(room), mac[BASE64_TEXT(64)];
	size_t len = base64url_encode((const uint8_t *)header.data, header.len, text), mac_len;

	text[len++] = '.';
	len += base64url_encode((const uint8_t *)claims.data, claims.len, text + len);
	mac_len = jwt_sign_text(&signer, (struct str){text, len}, mac);
	text[len++] = '.';
	memcpy(text + len, mac, mac_len + 1);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	const char *line = size ? memchr(data, '\n', size) : NULL;
	char *token;

	assert(judge(text, public_set()) != JWT_IS_GOOD);
	assert(judge(text, NULL) != JWT_IS_GOOD);
	if (!line || size > LIMIT)
		return 0;
	token = sign((struct str){text.data, (size_t)(line - text.data)},
		     (struct str){line + 1, size - (size_t)(line + 1 - text.data)});
	judge(str_from(token), secret_set());
	assert(judge(str_from(token), public_set()) != JWT_IS_GOOD);
	free(token);
	return 0;
}
