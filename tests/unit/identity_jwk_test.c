/* Keys: the standards' signatures are found good, what is made here too, and keys that nobody
 * should trust are left out, each for its reason. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"
#include "identity/jwk.h"
#include "tests/support/jose_vectors.h"
#include "tests/support/jwt_world.h"
#include "tests/support/unit.h"

static void load_vector(const struct jose_vector *vector, struct jwk *out)
{
	json_t *object = json_loads(vector->key, 0, NULL);
	uint8_t secret[128];
	size_t len;

	if (object) {
		assert_null(jwk_parse(object, JWT_ALL, out));
		json_decref(object);
		return;
	}
	assert_true(base64url_decode(str_from(vector->key), secret, &len));
	assert_null(jwk_of_secret((struct str){(char *)secret, len}, JWT_ALL, out));
}

static void signatures_of_the_standards_are_good(void **state)
{
	for (size_t i = 0; i < COUNT_OF(jose_vectors); i++) {
		const struct jose_vector *vector = &jose_vectors[i];
		enum jwt_alg alg = jwt_alg_find(str_from(vector->alg));
		struct str message = str_from(vector->message);
		uint8_t bytes[1024];
		struct str signature = {(char *)bytes, 0};
		struct jwk key;

		load_vector(vector, &key);
		assert_true(base64url_decode(str_from(vector->signature), bytes, &signature.len));
		if (!jwk_verify(&key, alg, message, signature))
			fail_msg("%s", vector->source);
		assert_true(jwk_verify(&key, alg, message, signature)); /* and again */
		message.len--;
		assert_false(jwk_verify(&key, alg, message, signature));
		message.len++;
		bytes[signature.len / 2] ^= 1;
		assert_false(jwk_verify(&key, alg, message, signature));
		bytes[signature.len / 2] ^= 1;
		signature.len--;
		assert_false(jwk_verify(&key, alg, message, signature));
		jwk_deinit(&key);
	}
}

/* RFC 8037, A.3. */
static void a_thumbprint_is_the_standard_s(void **state)
{
	uint8_t raw[32];
	size_t len;
	struct jwt_signer signer;
	EVP_PKEY *pkey;

	assert_true(base64url_decode(STR_LITERAL("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
				     raw, &len));
	pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw, len);
	assert_true(jwt_signer_init(&signer, pkey, JWT_EDDSA));
	assert_string_equal(signer.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	EVP_PKEY_free(pkey);
}

/* A key verifies by the algorithms in its mask and by no other, whoever asks. */
static void a_key_is_good_for_its_algorithms_only(void **state)
{
	const struct jwt_signer *signer = jwt_world_signer(JWT_PS256);
	char *json = jwt_world_jwks(&signer, 1);
	struct keyset *set = jwt_world_keyset(json);
	char *token = jwt_world_token(signer, "{}", "{}");
	const char *dot = strrchr(token, '.');
	struct str message = {token, (size_t)(dot - token)};
	uint8_t bytes[1024];
	struct str signature = {(char *)bytes, 0};

	assert_int_equal(set->keys[0].algs, JWT_BIT(JWT_PS256));
	assert_true(base64url_decode(str_from(dot + 1), bytes, &signature.len));
	for (unsigned alg = 0; alg < JWT_ALG_COUNT; alg++)
		assert_int_equal(jwk_verify(&set->keys[0], (enum jwt_alg)alg, message, signature),
				 alg == JWT_PS256);
	free(token);
	free(json);
	keyset_free(set);
}

/* The same key signs by another algorithm: what it is bound to counts, not what would verify. */
static void a_key_of_one_algorithm_does_not_verify_another(void **state)
{
	const struct jwt_signer *bound = jwt_world_signer(JWT_PS256);
	struct jwt_signer other;
	char *json = jwt_world_jwks(&bound, 1);
	struct keyset *set = jwt_world_keyset(json);
	struct str message = STR_LITERAL("a.b");
	char text[1400];
	uint8_t bytes[1024];
	struct str signature = {(char *)bytes, 0};

	assert_true(jwt_signer_init(&other, bound->pkey, JWT_RS256));
	assert_true(jwt_sign_text(&other, message, text) > 0);
	assert_true(base64url_decode(str_from(text), bytes, &signature.len));
	assert_false(jwk_verify(&set->keys[0], JWT_RS256, message, signature));
	set->keys[0].algs |= JWT_BIT(JWT_RS256);
	assert_true(jwk_verify(&set->keys[0], JWT_RS256, message, signature));
	free(json);
	keyset_free(set);
}

/* ---- keys that are left out ---- */

#define N_2048                                                                                     \
	"\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrc"     \
	"S2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"     \
	"LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv"     \
	"b3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g"     \
	"b54h4FRWyuXpoQ\""
#define X_256 "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y_256 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC    "{\"kty\":\"EC\",\"crv\":\"P-256\"," X_256 "," Y_256

struct bad_key {
	const char *json, *why;
};

static const struct bad_key bad_keys[] = {
	{"[]", "is no JSON object"},
	{"{}", "has no kty"},
	{"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", "is a shared secret"},
	{"{\"kty\":\"DSA\"}", "has another kty"},
	{EC ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}", "is a private key"},
	{EC ",\"use\":\"enc\"}", "is not meant for signatures"},
	{EC ",\"use\":7}", "is not meant for signatures"},
	{EC ",\"key_ops\":[\"encrypt\"]}", "is not meant for verifying"},
	{EC ",\"key_ops\":\"verify\"}", "is not meant for verifying"},
	{EC ",\"alg\":\"RS256\"}", "names an alg"},
	{EC ",\"alg\":\"HS256\"}", "names an alg"},
	{EC ",\"alg\":\"none\"}", "names an alg"},
	{EC ",\"alg\":null}", "names an alg"},
	{EC ",\"kid\":7}", "has a kid"},
	{EC ",\"kid\":\"\"}", "has a kid"},
	{"{\"kty\":\"EC\",\"crv\":\"secp256k1\"," X_256 "," Y_256 "}", "has another curve"},
	{"{\"kty\":\"EC\",\"crv\":\"P-384\"," X_256 "," Y_256 "}", "has no x and y"},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\"," X_256 "}", "has no x and y"},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\"," X_256
	 ",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
	 "has a point that is not on its curve"},
	{"{\"kty\":\"OKP\",\"crv\":\"X25519\"," X_256 "}", "has another curve"},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"f83O\"}", "has no x"},
	{"{\"kty\":\"RSA\",\"n\":\"ofgWCuLj\",\"e\":\"AQAB\"}", "is an RSA key of fewer"},
	{"{\"kty\":\"RSA\"," N_2048 ",\"e\":\"AQ\"}", "has an RSA modulus or exponent"},
	{"{\"kty\":\"RSA\"," N_2048 ",\"e\":\"AQAA\"}", "has an RSA modulus or exponent"},
	{"{\"kty\":\"RSA\"," N_2048 ",\"e\":\"AQAB==\"}", "has no good n and e"},
	{"{\"kty\":\"RSA\"," N_2048 "}", "has no good n and e"},
};

static void keys_that_nobody_should_trust_are_left_out(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bad_keys); i++) {
		json_t *object = json_loads(bad_keys[i].json, 0, NULL);
		const char *why;
		struct jwk key;

		assert_non_null(object);
		why = jwk_parse(object, JWT_ALL, &key);
		if (!why || !str_starts_with(str_from(why), str_from(bad_keys[i].why)))
			fail_msg("%s: %s", bad_keys[i].json, why ? why : "accepted");
		json_decref(object);
	}
}

static void what_is_not_allowed_is_no_use(void **state)
{
	json_t *object = json_loads(EC "}", 0, NULL);
	struct jwk key;

	assert_null(jwk_parse(object, JWT_ALL, &key));
	jwk_deinit(&key);
	assert_string_equal(jwk_parse(object, JWT_BIT(JWT_ES384), &key),
			    "is good for none of the algorithms that are allowed");
	json_decref(object);
}

static void a_short_secret_is_refused(void **state)
{
	static const char text[] = "0123456789abcdef0123456789abcdef";
	struct jwk key;

	assert_non_null(jwk_of_secret((struct str){text, 31}, JWT_ALL, &key));
	assert_non_null(jwk_of_secret(str_from(text), JWT_BIT(JWT_HS384), &key));
	assert_null(jwk_of_secret(str_from(text), JWT_ALL, &key));
	assert_int_equal(key.algs, JWT_BIT(JWT_HS256));
	jwk_deinit(&key);
}

/* ---- sets ---- */

static void assert_no_set(const char *json, const char *why)
{
	struct keyset *set;
	struct err err = {0};

	assert_true(keyset_parse(str_from(json), JWT_ALL, 1, &set, &err) < 0);
	if (!str_starts_with(str_from(err.text), str_from(why)))
		fail_msg("%s: %s", json, err.text);
}

static void what_is_no_set_is_refused(void **state)
{
	char *large = mem_alloc(KEYSET_MAX_BYTES + 2);

	assert_no_set("", "it is no JSON");
	assert_no_set("<html>", "it is no JSON");
	assert_no_set("{\"keys\":[]} x", "it is no JSON");
	assert_no_set("{\"keys\":[],\"keys\":[]}", "it is no JSON");
	assert_no_set("[]", "it is no JWK Set");
	assert_no_set("{\"keys\":{}}", "it is no JWK Set");
	assert_no_set("{\"keys\":[]}", "none of its 0 keys");
	assert_no_set("{\"keys\":[7]}", "none of its 1 keys can be used: key 1 is no JSON object");
	memset(large, ' ', KEYSET_MAX_BYTES + 1);
	large[KEYSET_MAX_BYTES + 1] = '\0';
	assert_no_set(large, "it has more than");
	free(large);
}

static void an_id_and_an_algorithm_mean_one_key(void **state)
{
	struct keyset *set = jwt_world_keyset(
		"{\"keys\":[" EC ",\"kid\":\"a\"}," EC ",\"kid\":\"a\"}," EC
		",\"kid\":\"b\"},{\"kty\":\"RSA\"," N_2048 ",\"e\":\"AQAB\",\"kid\":\"a\"},{}]}");
	struct str none = {0};
	struct jwk *key;

	assert_int_equal(set->count, 3);
	assert_int_equal(set->left_out, 2);
	assert_string_equal(set->remark, "key 2 has the kid of another one");
	assert_int_equal(keyset_find(set, STR_LITERAL("a"), JWT_ES256, &key), KEYSET_FOUND);
	assert_ptr_equal(key, &set->keys[0]);
	assert_int_equal(keyset_find(set, STR_LITERAL("a"), JWT_RS256, &key), KEYSET_FOUND);
	assert_ptr_equal(key, &set->keys[2]);
	assert_int_equal(keyset_find(set, STR_LITERAL("b"), JWT_RS256, &key), KEYSET_NO_ALG);
	assert_int_equal(keyset_find(set, STR_LITERAL("c"), JWT_ES256, &key), KEYSET_NO_KID);
	assert_int_equal(keyset_find(set, none, JWT_ES256, &key), KEYSET_VAGUE);
	assert_int_equal(keyset_find(set, none, JWT_PS256, &key), KEYSET_FOUND);
	assert_int_equal(keyset_find(set, none, JWT_HS256, &key), KEYSET_NO_ALG);
	keyset_free(set);
}

static int free_world(void **state)
{
	jwt_world_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_the_standards_are_good),
		cmocka_unit_test(a_thumbprint_is_the_standard_s),
		cmocka_unit_test(a_key_is_good_for_its_algorithms_only),
		cmocka_unit_test(a_key_of_one_algorithm_does_not_verify_another),
		cmocka_unit_test(keys_that_nobody_should_trust_are_left_out),
		cmocka_unit_test(what_is_not_allowed_is_no_use),
		cmocka_unit_test(a_short_secret_is_refused),
		cmocka_unit_test(what_is_no_set_is_refused),
		cmocka_unit_test(an_id_and_an_algorithm_mean_one_key),
	};

	return cmocka_run_group_tests(tests, NULL, free_world);
}
