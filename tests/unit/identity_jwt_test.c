/* Tokens: what is good is good for its time and its audience, and a table of attacks, each refused
 * for the reason that it deserves. Keys are OpenSSL's, made for the test. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"
#include "identity/jwt.h"
#include "tests/support/jwt_world.h"
#include "tests/support/unit.h"

#define LIMIT 8192

static char *const audiences[] = {(char *)"orders", (char *)"invoices", NULL};
static char *const required[] = {(char *)"sub", (char *)"tenant", NULL};

/* The rules of all tests: public keys of three kinds, 30 seconds of leeway. */
static const struct jwt_policy rules = {
	.issuer = "https://issuer.test",
	.audiences = audiences,
	.required_claims = required,
	.algs = JWT_BIT(JWT_RS256) | JWT_BIT(JWT_ES256) | JWT_BIT(JWT_EDDSA),
	.leeway_s = 30,
};

/* Claims that are good at JWT_NOW. */
#define WHO                                                                                        \
	"\"iss\":\"https://issuer.test\",\"aud\":\"orders\",\"sub\":\"ada\","                      \
	"\"tenant\":\"acme\""
#define TIMES "\"iat\":1799999990,\"nbf\":1799999990,\"exp\":1800000300"
#define GOOD  "{" WHO "," TIMES "}"

static struct keyset *world_keys;

static enum jwt_verdict judge(const char *text, const struct keyset *set,
			      const struct jwt_policy *policy, int64_t now_s)
{
	enum jwt_verdict verdict;
	struct jwt token;

	verdict = jwt_read(str_from(text), LIMIT, &token);
	if (verdict == JWT_IS_GOOD)
		verdict = jwt_verify(&token, set, policy, now_s);
	jwt_deinit(&token);
	return verdict;
}

static void assert_verdict(const char *name, enum jwt_verdict verdict, enum jwt_verdict expected)
{
	if (verdict != expected)
		fail_msg("%s: %s instead of %s", name, jwt_verdict_name(verdict),
			 jwt_verdict_name(expected));
}

static void assert_token(const char *name, char *token, enum jwt_verdict expected)
{
	assert_verdict(name, judge(token, world_keys, &rules, JWT_NOW), expected);
	free(token);
}

/* ---- good ones ---- */

static void every_algorithm_of_the_rules_is_verified(void **state)
{
	for (unsigned i = 0; i < JWT_ALG_COUNT; i++) {
		const struct jwt_signer *signer = jwt_world_signer((enum jwt_alg)i);
		struct jwt_policy policy = rules;
		struct keyset *set;
		struct err err;
		char *token = jwt_world_token(signer, "{}", GOOD);
		char *json = signer->pkey ? jwt_world_jwks(&signer, 1) : NULL;

		policy.algs = JWT_BIT(i);
		if (json)
			set = jwt_world_keyset(json);
		else
			assert_int_equal(
				keyset_of_secret(signer->secret, JWT_BIT(i), 1, &set, &err), 0);
		assert_verdict(jwt_algs[i].name, judge(token, set, &policy, JWT_NOW), JWT_IS_GOOD);
		policy.algs = JWT_ALL & ~JWT_BIT(i);
		assert_verdict(jwt_algs[i].name, judge(token, set, &policy, JWT_NOW),
			       JWT_IS_ALG_REFUSED);
		assert_verdict(jwt_algs[i].name, judge(token, NULL, &rules, JWT_NOW),
			       rules.algs & JWT_BIT(i) ? JWT_IS_NO_KEYS : JWT_IS_ALG_REFUSED);
		keyset_free(set);
		free(json);
		free(token);
	}
}

struct moment {
	const char *claims;
	int64_t now_s;
	enum jwt_verdict verdict;
};

static const struct moment moments[] = {
	{"{" WHO ",\"exp\":1800000000}", 1799999999, JWT_IS_GOOD},
	{"{" WHO ",\"exp\":1800000000}", 1800000029, JWT_IS_GOOD}, /* leeway */
	{"{" WHO ",\"exp\":1800000000}", 1800000030, JWT_IS_EXPIRED},
	{"{" WHO ",\"exp\":1800000000.9}", 1800000030, JWT_IS_EXPIRED},
	{"{" WHO ",\"exp\":1800000300,\"nbf\":1800000000}", 1799999970, JWT_IS_GOOD},
	{"{" WHO ",\"exp\":1800000300,\"nbf\":1800000000}", 1799999969, JWT_IS_NOT_YET},
	{"{" WHO ",\"exp\":1800000300,\"nbf\":1799999999.1}", 1799999969, JWT_IS_NOT_YET},
	{"{" WHO ",\"exp\":1800000300,\"iat\":1800000000}", 1799999970, JWT_IS_GOOD},
	{"{" WHO ",\"exp\":1800000300,\"iat\":1800000000}", 1799999969, JWT_IS_FROM_FUTURE},
};

static void a_token_is_good_from_its_first_second_to_its_last(void **state)
{
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		char *token = jwt_world_token(jwt_world_signer(JWT_EDDSA), "{}", moments[i].claims);

		assert_verdict(moments[i].claims,
			       judge(token, world_keys, &rules, moments[i].now_s),
			       moments[i].verdict);
		free(token);
	}
}

static void what_is_cached_ends_with_the_token(void **state)
{
	char *text = jwt_world_token(jwt_world_signer(JWT_EDDSA), "{}", GOOD);
	struct jwt token;
	int64_t until;

	assert_int_equal(jwt_read(str_from(text), LIMIT, &token), JWT_IS_GOOD);
	until = jwt_good_until(&token, &rules);
	assert_int_equal(jwt_verify(&token, world_keys, &rules, until), JWT_IS_GOOD);
	assert_int_equal(jwt_verify(&token, world_keys, &rules, until + 1), JWT_IS_EXPIRED);
	assert_string_equal(jwt_issuer(&token), "https://issuer.test");
	jwt_deinit(&token);
	free(text);
}

/* ---- claims, signed by the issuer and wrong all the same ---- */

struct claims_row {
	const char *claims;
	enum jwt_verdict verdict;
};

static const struct claims_row claims_rows[] = {
	{"{" WHO "}", JWT_IS_NO_EXPIRY},
	{"{" WHO ",\"exp\":null}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":\"1800000300\"}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":[1800000300]}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":true}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":-1}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":1e300}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":9223372036854775807}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":1800000300,\"nbf\":\"0\"}", JWT_IS_CLAIM_TYPE},
	{"{" WHO ",\"exp\":1800000300,\"iat\":{}}", JWT_IS_CLAIM_TYPE},
	{"{\"aud\":\"orders\",\"sub\":\"ada\",\"tenant\":\"a\"," TIMES "}", JWT_IS_ISSUER},
	{"{\"iss\":\"https://issuer.test/"
	 "\",\"aud\":\"orders\",\"sub\":\"ada\",\"tenant\":\"a\"," TIMES "}",
	 JWT_IS_ISSUER},
	{"{\"iss\":[\"https://issuer.test\"],\"aud\":\"orders\",\"sub\":\"ada\"," TIMES "}",
	 JWT_IS_CLAIM_TYPE},
	{"{\"iss\":\"https://"
	 "issuer.test\",\"aud\":[\"a\",\"invoices\"],\"sub\":\"ada\",\"tenant\":0," TIMES "}",
	 JWT_IS_GOOD},
	{"{\"iss\":\"https://"
	 "issuer.test\",\"aud\":\"order\",\"sub\":\"ada\",\"tenant\":\"a\"," TIMES "}",
	 JWT_IS_AUDIENCE},
	{"{\"iss\":\"https://issuer.test\",\"aud\":[],\"sub\":\"ada\",\"tenant\":\"a\"," TIMES "}",
	 JWT_IS_AUDIENCE},
	{"{\"iss\":\"https://issuer.test\",\"sub\":\"ada\",\"tenant\":\"a\"," TIMES "}",
	 JWT_IS_AUDIENCE},
	{"{\"iss\":\"https://issuer.test\",\"aud\":[\"orders\",7],\"sub\":\"ada\"," TIMES "}",
	 JWT_IS_CLAIM_TYPE},
	{"{\"iss\":\"https://issuer.test\",\"aud\":{\"orders\":1},\"sub\":\"ada\"," TIMES "}",
	 JWT_IS_CLAIM_TYPE},
	{"{\"iss\":\"https://issuer.test\",\"aud\":\"orders\",\"sub\":7,\"tenant\":\"a\"," TIMES
	 "}",
	 JWT_IS_CLAIM_TYPE},
	{"{\"iss\":\"https://issuer.test\",\"aud\":\"orders\",\"sub\":\"ada\"," TIMES "}",
	 JWT_IS_CLAIM_MISSING},
	{"{\"iss\":\"https://"
	 "issuer.test\",\"aud\":\"orders\",\"sub\":\"ada\",\"tenant\":null," TIMES "}",
	 JWT_IS_CLAIM_MISSING},
};

static void claims_must_be_what_the_rules_ask_for(void **state)
{
	for (size_t i = 0; i < COUNT_OF(claims_rows); i++)
		assert_token(
			claims_rows[i].claims,
			jwt_world_token(jwt_world_signer(JWT_ES256), "{}", claims_rows[i].claims),
			claims_rows[i].verdict);
}

/* ---- attacks: headers that are signed by a key of the issuer ---- */

static const struct claims_row header_rows[] = {
	{"{\"crit\":[\"exp\"]}", JWT_IS_CRITICAL},
	{"{\"crit\":[]}", JWT_IS_CRITICAL},
	{"{\"crit\":[\"b64\"],\"b64\":false}", JWT_IS_CRITICAL},
	{"{\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", JWT_IS_EMBEDDED_KEY},
	{"{\"jku\":\"https://evil.test/keys\"}", JWT_IS_EMBEDDED_KEY},
	{"{\"x5u\":\"https://evil.test/certificate\"}", JWT_IS_EMBEDDED_KEY},
	{"{\"x5c\":[\"MIIB\"]}", JWT_IS_EMBEDDED_KEY},
	{"{\"typ\":\"dpop+jwt\"}", JWT_IS_TYPE},
	{"{\"typ\":7}", JWT_IS_TYPE},
	{"{\"typ\":\"at+JWT\"}", JWT_IS_GOOD},
	{"{\"typ\":\"application/at+jwt\"}", JWT_IS_GOOD},
	{"{\"alg\":7}", JWT_IS_NO_ALG},
	{"{\"alg\":\"none\"}", JWT_IS_ALG_NONE},
	{"{\"alg\":\"nOnE\"}", JWT_IS_ALG_NONE},
	{"{\"alg\":\"es256\"}", JWT_IS_ALG_UNKNOWN},
	{"{\"alg\":\"\"}", JWT_IS_ALG_UNKNOWN},
	{"{\"alg\":\"HS256\"}", JWT_IS_ALG_REFUSED},
	{"{\"alg\":\"ES384\"}", JWT_IS_ALG_REFUSED},
	{"{\"alg\":\"RS256\"}", JWT_IS_ALG_MISMATCH},
	{"{\"alg\":\"EdDSA\"}", JWT_IS_ALG_MISMATCH},
	{"{\"kid\":\"../../../dev/null\"}", JWT_IS_KID_UNKNOWN},
	{"{\"kid\":\"' OR 1=1 --\"}", JWT_IS_KID_UNKNOWN},
	{"{\"kid\":\"\"}", JWT_IS_KID},
	{"{\"kid\":7}", JWT_IS_KID},
	{"{\"kid\":{}}", JWT_IS_KID},
};

static void a_header_chooses_nothing(void **state)
{
	for (size_t i = 0; i < COUNT_OF(header_rows); i++)
		assert_token(
			header_rows[i].claims,
			jwt_world_token(jwt_world_signer(JWT_ES256), header_rows[i].claims, GOOD),
			header_rows[i].verdict);
}

static void a_long_id_is_refused(void **state)
{
	char kid[JWK_KID_MAX + 2];
	char *header;

	memset(kid, 'k', sizeof(kid) - 1);
	kid[sizeof(kid) - 1] = '\0';
	header = mem_printf("{\"kid\":\"%s\"}", kid);
	assert_token("kid", jwt_world_token(jwt_world_signer(JWT_ES256), header, GOOD), JWT_IS_KID);
	free(header);
}

/* ---- attacks: what nobody signed ---- */

struct parts_row {
	const char *header, *claims, *signature;
	enum jwt_verdict verdict;
};

static const struct parts_row parts_rows[] = {
	{"{\"alg\":\"none\"}", GOOD, "", JWT_IS_ALG_NONE},
	{"{\"alg\":\"None\",\"typ\":\"JWT\"}", GOOD, "AAAA", JWT_IS_ALG_NONE},
	{"{\"typ\":\"JWT\"}", GOOD, "", JWT_IS_NO_ALG},
	{"{\"alg\":\"ES256\"}", GOOD, "", JWT_IS_SIGNATURE},
	/* r = s = 0: CVE-2022-21449 */
	{"{\"alg\":\"ES256\"}", GOOD,
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	 JWT_IS_SIGNATURE},
	/* the same in DER */
	{"{\"alg\":\"ES256\"}", GOOD, "MAYCAQACAQA", JWT_IS_SIGNATURE},
	{"{\"alg\":\"EdDSA\"}", GOOD,
	 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	 JWT_IS_SIGNATURE},
	{"{\"alg\":\"RS256\"}", GOOD, "AAAA", JWT_IS_SIGNATURE},
	{"{\"alg\":\"ES256\",\"alg\":\"none\"}", GOOD, "", JWT_IS_HEADER},
	{"[\"ES256\"]", GOOD, "", JWT_IS_HEADER},
	{"{\"alg\":\"ES256\"} ", GOOD, "", JWT_IS_SIGNATURE}, /* a blank is JSON */
	{"{\"alg\":\"ES256\"}x", GOOD, "", JWT_IS_HEADER},
	{"{\"alg\":\"ES256\"", GOOD, "", JWT_IS_HEADER},
	{"{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}", GOOD, "", JWT_IS_HEADER},
	{"{\"alg\":\"\xff\"}", GOOD, "", JWT_IS_HEADER},
	{"{\"alg\":\"ES256\"}", "{" WHO "," WHO "}", "", JWT_IS_CLAIMS},
	{"{\"alg\":\"ES256\"}", "7", "", JWT_IS_CLAIMS},
	{"{\"alg\":\"ES256\"}", "{\"exp\":99999999999999999999}", "", JWT_IS_CLAIMS},
	{"{\"alg\":\"ES256\"}", GOOD, "A", JWT_IS_ENCODING},
	{"{\"alg\":\"ES256\"}", GOOD, "AAA=", JWT_IS_ENCODING},
	{"{\"alg\":\"ES256\"}", GOOD, "AA+A", JWT_IS_ENCODING},
	{"{\"alg\":\"ES256\"}", GOOD, "AB", JWT_IS_ENCODING},
	{"{\"alg\":\"ES256\"}", GOOD, "AAAA.AAAA", JWT_IS_PARTS},
	{"{\"alg\":\"ES256\"}", GOOD, "AAAA.AAAA.AAAA", JWT_IS_PARTS},
};

static void what_nobody_signed_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(parts_rows); i++) {
		const struct parts_row *row = &parts_rows[i];

		assert_token(row->header, jwt_world_parts(row->header, row->claims, row->signature),
			     row->verdict);
	}
	assert_token("", mem_strdup(""), JWT_IS_PARTS);
	assert_token(".", mem_strdup("."), JWT_IS_PARTS);
	assert_token("..", mem_strdup(".."), JWT_IS_PARTS);
	assert_token("a.b", mem_strdup("a.b"), JWT_IS_PARTS);
}

/* The public key is known to everybody: were it taken for a secret, anybody could sign. */
static void a_public_key_is_no_secret(void **state)
{
	const struct jwt_signer *rsa = jwt_world_signer(JWT_RS256);
	struct jwt_policy policy = rules;
	BIO *bio = BIO_new(BIO_s_mem());
	struct jwt_signer forger = {.alg = JWT_HS256};
	char *header = mem_printf("{\"kid\":\"%s\"}", rsa->kid);
	char *pem, *token;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, rsa->pkey), 1);
	forger.secret.len = (size_t)BIO_get_mem_data(bio, &pem);
	forger.secret.data = pem;
	token = jwt_world_token(&forger, header, GOOD);
	assert_verdict("HS256", judge(token, world_keys, &rules, JWT_NOW), JWT_IS_ALG_REFUSED);
	/* Also where an operator allows both kinds. */
	policy.algs |= JWT_ALL_HMAC;
	assert_verdict("HS256", judge(token, world_keys, &policy, JWT_NOW), JWT_IS_ALG_MISMATCH);
	free(token);
	free(header);
	BIO_free(bio);
}

static void a_stranger_s_key_is_not_the_issuer_s(void **state)
{
	EVP_PKEY *pkey = jwt_key_generate(JWT_ES256);
	struct jwt_signer stranger;
	char *header;

	assert_true(jwt_signer_init(&stranger, pkey, JWT_ES256));
	assert_token("own kid", jwt_world_token(&stranger, "{}", GOOD), JWT_IS_KID_UNKNOWN);
	header = mem_printf("{\"kid\":\"%s\"}", jwt_world_signer(JWT_ES256)->kid);
	assert_token("stolen kid", jwt_world_token(&stranger, header, GOOD), JWT_IS_SIGNATURE);
	free(header);
	EVP_PKEY_free(pkey);
}

/* Every part of the signed text counts, and so does every character of the signature. */
static void a_changed_token_is_refused(void **state)
{
	char *token = jwt_world_token(jwt_world_signer(JWT_ES256), "{}", GOOD);

	for (size_t i = 0; i < strlen(token); i++) {
		char old = token[i];

		token[i] = old == 'A' ? 'B' : 'A';
		assert_int_not_equal(judge(token, world_keys, &rules, JWT_NOW), JWT_IS_GOOD);
		token[i] = old;
	}
	assert_int_equal(judge(token, world_keys, &rules, JWT_NOW), JWT_IS_GOOD);
	free(token);
}

static void a_token_above_the_limit_is_not_read(void **state)
{
	size_t len = 200 << 10;
	char *token = mem_alloc(len + 1);
	struct jwt read;

	memset(token, 'A', len);
	token[len] = '\0';
	assert_token("200 KiB", token, JWT_IS_TOO_LONG);
	token = jwt_world_token(jwt_world_signer(JWT_ES256), "{}", GOOD);
	assert_int_equal(jwt_read(str_from(token), strlen(token), &read), JWT_IS_GOOD);
	jwt_deinit(&read);
	assert_int_equal(jwt_read(str_from(token), strlen(token) - 1, &read), JWT_IS_TOO_LONG);
	jwt_deinit(&read);
	free(token);
}

/* As deep as the limit lets it be: the parser must not run out of stack. */
static void deep_claims_are_refused(void **state)
{
	char claims[5001];

	memset(claims, '[', sizeof(claims) - 1);
	claims[sizeof(claims) - 1] = '\0';
	assert_token("deep", jwt_world_parts("{\"alg\":\"ES256\"}", claims, ""), JWT_IS_CLAIMS);
}

static int make_world(void **state)
{
	const struct jwt_signer *signers[] = {
		jwt_world_signer(JWT_RS256),
		jwt_world_signer(JWT_ES256),
		jwt_world_signer(JWT_EDDSA),
	};
	char *json = jwt_world_jwks(signers, COUNT_OF(signers));

	world_keys = jwt_world_keyset(json);
	free(json);
	return 0;
}

static int free_world(void **state)
{
	keyset_free(world_keys);
	jwt_world_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_of_the_rules_is_verified),
		cmocka_unit_test(a_token_is_good_from_its_first_second_to_its_last),
		cmocka_unit_test(what_is_cached_ends_with_the_token),
		cmocka_unit_test(claims_must_be_what_the_rules_ask_for),
		cmocka_unit_test(a_header_chooses_nothing),
		cmocka_unit_test(a_long_id_is_refused),
		cmocka_unit_test(what_nobody_signed_is_refused),
		cmocka_unit_test(a_public_key_is_no_secret),
		cmocka_unit_test(a_stranger_s_key_is_not_the_issuer_s),
		cmocka_unit_test(a_changed_token_is_refused),
		cmocka_unit_test(a_token_above_the_limit_is_not_read),
		cmocka_unit_test(deep_claims_are_refused),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
