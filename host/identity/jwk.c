/* JSON Web Keys as OpenSSL's. It owns the keys, the secrets and the verifications that it has
 * begun. Called by keyset.c, which leaves out what is refused here, and by the tests. The JSON is
 * read by jansson, the bytes by base/base64, the numbers by OpenSSL, which also finds points
 * that are not on their curve. It fails with words. */
#include "identity/jwk.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/mem.h"

#define MEMBER_MAX   (JWK_RSA_BITS_MAX / 8)
#define EXPONENT_MAX 8 /* bytes */

/* ---- members ---- */

static bool member_of(const json_t *object, const char *name, struct str *out)
{
	const json_t *value = json_object_get(object, name);

	*out = (struct str){json_string_value(value), json_string_length(value)};
	return json_is_string(value);
}

struct octets {
	uint8_t data[BASE64_DECODED((MEMBER_MAX * 4 + 2) / 3)];
	size_t len;
};

static bool octets_of(const json_t *object, const char *name, struct octets *out)
{
	struct str text;

	return member_of(object, name, &text) && text.len > 0 &&
	       text.len <= (MEMBER_MAX * 4 + 2) / 3 && base64url_decode(text, out->data, &out->len);
}

/* ---- RSA ---- */

static bool is_good_exponent(const struct octets *e)
{
	bool is_one = e->len == 1 && e->data[0] == 1;

	return e->len > 0 && e->len <= EXPONENT_MAX && e->data[0] != 0 &&
	       (e->data[e->len - 1] & 1) && !is_one;
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!context || !params || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return pkey;
}

static EVP_PKEY *rsa_from(const struct octets *n, const struct octets *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_bin2bn(n->data, (int)n->len, NULL);
	BIGNUM *exponent = BN_bin2bn(e->data, (int)e->len, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (build && modulus && exponent &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	pkey = pkey_from("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	return pkey;
}

static const char *parse_rsa(const json_t *object, struct jwk *out)
{
	struct octets n, e;

	if (!octets_of(object, "n", &n) || !octets_of(object, "e", &e))
		return "has no good n and e, in base64url without padding";
	if (n.data[0] == 0 || n.len * 8 < JWK_RSA_BITS_MIN ||
	    (n.len * 8 == JWK_RSA_BITS_MIN && n.data[0] < 0x80))
		return "is an RSA key of fewer than 2048 bits";
	if (!(n.data[n.len - 1] & 1) || !is_good_exponent(&e))
		return "has an RSA modulus or exponent that nobody can have made";
	out->pkey = rsa_from(&n, &e);
	out->algs = JWT_ALL_PKCS1 | JWT_ALL_PSS;
	return out->pkey ? NULL : "is refused by OpenSSL";
}

/* ---- elliptic curves ---- */

struct curve {
	const char *name, *group; /* of JOSE; of OpenSSL */
	enum jwt_alg alg;
	size_t bytes;
};

static const struct curve ec_curves[] = {
	{"P-256", "P-256", JWT_ES256, 32},
	{"P-384", "P-384", JWT_ES384, 48},
	{"P-521", "P-521", JWT_ES512, 66},
	{NULL},
};

static const struct curve okp_curves[] = {
	{"Ed25519", "ED25519", JWT_EDDSA, 32},
	{"Ed448", "ED448", JWT_EDDSA, 57},
	{NULL},
};

static const struct curve *curve_of(const json_t *object, const struct curve *row)
{
	struct str name;

	if (!member_of(object, "crv", &name))
		return NULL;
	while (row->name && !str_eq(name, str_from(row->name)))
		row++;
	return row->name ? row : NULL;
}

static EVP_PKEY *ec_from(const struct curve *curve, const struct octets *x, const struct octets *y)
{
	uint8_t point[1 + 2 * 66] = {0x04}; /* uncompressed: both coordinates follow */
	EVP_PKEY_CTX *context;
	EVP_PKEY *pkey;

	memcpy(point + 1, x->data, curve->bytes);
	memcpy(point + 1 + curve->bytes, y->data, curve->bytes);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve->group,
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
						  1 + 2 * curve->bytes),
		OSSL_PARAM_construct_end(),
	};
	pkey = pkey_from("EC", params);
	context = pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
	if (!context || EVP_PKEY_public_check(context) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return pkey;
}

static const char *parse_ec(const json_t *object, struct jwk *out)
{
	const struct curve *curve = curve_of(object, ec_curves);
	struct octets x, y;

	if (!curve)
		return "has another curve than P-256, P-384 and P-521";
	if (!octets_of(object, "x", &x) || !octets_of(object, "y", &y) || x.len != curve->bytes ||
	    y.len != curve->bytes)
		return "has no x and y of its curve's length, in base64url without padding";
	out->pkey = ec_from(curve, &x, &y);
	out->algs = JWT_BIT(curve->alg);
	return out->pkey ? NULL : "has a point that is not on its curve";
}

static const char *parse_okp(const json_t *object, struct jwk *out)
{
	const struct curve *curve = curve_of(object, okp_curves);
	struct octets x;

	if (!curve)
		return "has another curve than Ed25519 and Ed448";
	if (!octets_of(object, "x", &x) || x.len != curve->bytes)
		return "has no x of its curve's length, in base64url without padding";
	out->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, curve->group, NULL, x.data, x.len);
	out->algs = JWT_BIT(curve->alg);
	ERR_clear_error();
	return out->pkey ? NULL : "is refused by OpenSSL";
}

/* ---- any key ---- */

static const char *parse_kid(const json_t *object, struct jwk *out)
{
	struct str kid;

	if (!json_object_get(object, "kid"))
		return NULL;
	if (!member_of(object, "kid", &kid) || kid.len == 0 || kid.len > JWK_KID_MAX)
		return "has a kid that is no text of 1 to 256 bytes";
	out->kid = mem_strndup(kid);
	return NULL;
}

/* What it may be used for: `use` and `key_ops` (RFC 7517, 4.2 and 4.3). */
static const char *check_use(const json_t *object)
{
	const json_t *use = json_object_get(object, "use");
	const json_t *ops = json_object_get(object, "key_ops");
	const json_t *op;
	size_t i;

	if (use && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return "is not meant for signatures (its use is not sig)";
	if (!ops)
		return NULL;
	json_array_foreach (ops, i, op) {
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			return NULL;
	}
	return "is not meant for verifying (its key_ops lack verify)";
}

/* Its own `alg` leaves nothing else. */
static const char *bind_alg(const json_t *object, uint32_t algs, struct jwk *out)
{
	enum jwt_alg alg = JWT_ALG_COUNT;
	struct str name;

	if (json_object_get(object, "alg")) {
		if (member_of(object, "alg", &name))
			alg = jwt_alg_find(name);
		if (alg == JWT_ALG_COUNT || !(out->algs & JWT_BIT(alg)))
			return "names an alg that is not one of its type's";
		out->algs = JWT_BIT(alg);
	}
	out->algs &= algs;
	return out->algs ? NULL : "is good for none of the algorithms that are allowed";
}

struct key_type {
	const char *kty;
	const char *(*parse)(const json_t *object, struct jwk *out);
};

static const struct key_type key_types[] = {
	{"RSA", parse_rsa},
	{"EC", parse_ec},
	{"OKP", parse_okp},
};

static const char *parse_type(const json_t *object, struct jwk *out)
{
	struct str kty;

	if (!member_of(object, "kty", &kty))
		return "has no kty";
	if (str_eq(kty, STR_LITERAL("oct")))
		return "is a shared secret, which has no place among public keys";
	if (json_object_get(object, "d"))
		return "is a private key, which should not be here at all";
	for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
		if (str_eq(kty, str_from(key_types[i].kty)))
			return key_types[i].parse(object, out);
	}
	return "has another kty than RSA, EC and OKP";
}

const char *jwk_parse(const json_t *object, uint32_t algs, struct jwk *out)
{
	const char *why;

	*out = (struct jwk){0};
	if (!json_is_object(object))
		return "is no JSON object";
	why = check_use(object);
	if (!why)
		why = parse_type(object, out);
	if (!why)
		why = bind_alg(object, algs, out);
	if (!why)
		why = parse_kid(object, out);
	if (why)
		jwk_deinit(out);
	return why;
}

const char *jwk_of_secret(struct str secret, uint32_t algs, struct jwk *out)
{
	*out = (struct jwk){0};
	for (unsigned alg = 0; alg < JWT_ALG_COUNT; alg++) {
		if ((JWT_ALL_HMAC & algs & JWT_BIT(alg)) && secret.len >= jwt_algs[alg].size)
			out->algs |= JWT_BIT(alg);
	}
	if (!out->algs)
		return "is shorter than its algorithm's hash: HS256 wants 32 bytes, HS384 48, "
		       "HS512 64";
	out->secret = secret_alloc(secret.len);
	memcpy(out->secret.data, secret.data, secret.len);
	return NULL;
}

void jwk_deinit(struct jwk *key)
{
	for (unsigned i = 0; i < JWT_ALG_COUNT; i++)
		EVP_MD_CTX_free(key->begun[i]);
	EVP_PKEY_free(key->pkey);
	secret_free(&key->secret);
	free(key->kid);
	*key = (struct jwk){0};
}
