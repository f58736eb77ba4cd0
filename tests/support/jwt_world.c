/* Keys and tokens for tests. Keys of RSA take long to make, so each is made once. */
#include "tests/support/jwt_world.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"
#include "tests/support/unit.h"

static struct jwt_signer made[JWT_ALG_COUNT];
static bool is_made[JWT_ALG_COUNT];

const struct jwt_signer *jwt_world_signer(enum jwt_alg alg)
{
	static const char secret[] =
		"a secret of sixty-four bytes, as long as HS512 asks for, or more";
	struct jwt_signer *signer = &made[alg];

	if (is_made[alg])
		return signer;
	is_made[alg] = true;
	if (jwt_algs[alg].family == JWT_FAMILY_HMAC)
		*signer = (struct jwt_signer){.alg = alg, .secret = str_from(secret)};
	else
		assert_true(jwt_signer_init(signer, jwt_key_generate(alg), alg));
	return signer;
}

void jwt_world_free(void)
{
	for (unsigned i = 0; i < JWT_ALG_COUNT; i++) {
		if (is_made[i])
			EVP_PKEY_free(made[i].pkey);
		is_made[i] = false;
	}
}

char *jwt_world_jwks(const struct jwt_signer *const *signers, size_t count)
{
	json_t *keys = json_array();
	json_t *set = json_pack("{s:o}", "keys", keys);
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(keys, jwt_key_public(signers[i]->pkey, signers[i]->alg));
	text = json_dumps(set, JSON_COMPACT);
	json_decref(set);
	return text;
}

struct keyset *jwt_world_keyset(const char *json)
{
	struct keyset *set = NULL;
	struct err err = {0};

	if (keyset_parse(str_from(json), JWT_ALL, 1, &set, &err) < 0)
		fail_msg("%s", err.text);
	return set;
}

static json_t *json_of(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	return value;
}

char *jwt_world_token(const struct jwt_signer *signer, const char *header, const char *claims)
{
	json_t *head = json_of(header), *body = json_of(claims);
	char *token = jwt_sign(signer, head, body);

	assert_non_null(token);
	json_decref(head);
	json_decref(body);
	return token;
}

char *jwt_world_parts(const char *header, const char *claims, const char *signature)
{
	char *first = mem_alloc(BASE64_TEXT(strlen(header)));
	char *second = mem_alloc(BASE64_TEXT(strlen(claims)));
	char *token;

	base64url_encode((const uint8_t *)header, strlen(header), first);
	base64url_encode((const uint8_t *)claims, strlen(claims), second);
	token = mem_printf("%s.%s.%s", first, second, signature);
	free(first);
	free(second);
	return token;
}
