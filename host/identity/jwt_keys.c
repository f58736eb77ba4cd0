/* Making keys and tokens. Called by plugctl, tests and the benchmark. It owns nothing that lasts;
 * what OpenSSL refuses is NULL. */
#include "identity/jwt_keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"

#define NUMBER_MAX    1024 /* bytes */
#define SIGNATURE_MAX 1024
#define RSA_BITS      2048

struct key_kind {
	const char *type, *group; /* of OpenSSL; no group: any */
	const char *kty, *crv;	  /* of JOSE */
	enum jwt_alg alg;	  /* the usual one */
	int size;		  /* bytes of a coordinate or of the key */
};

static const struct key_kind key_kinds[] = {
	{"RSA", NULL, "RSA", NULL, JWT_RS256, 0},
	{"EC", "prime256v1", "EC", "P-256", JWT_ES256, 32},
	{"EC", "secp384r1", "EC", "P-384", JWT_ES384, 48},
	{"EC", "secp521r1", "EC", "P-521", JWT_ES512, 66},
	{"ED25519", NULL, "OKP", "Ed25519", JWT_EDDSA, 32},
	{"ED448", NULL, "OKP", "Ed448", JWT_EDDSA, 57},
};

static const struct key_kind *kind_of(const EVP_PKEY *pkey)
{
	char group[32] = "";
	size_t len;

	EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len);
	for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
		const struct key_kind *kind = &key_kinds[i];

		if (EVP_PKEY_is_a(pkey, kind->type) &&
		    (!kind->group || strcmp(kind->group, group) == 0))
			return kind;
	}
	return NULL;
}

EVP_PKEY *jwt_key_generate(enum jwt_alg alg)
{
	EVP_PKEY *pkey = NULL;

	switch (jwt_algs[alg].family) {
	case JWT_FAMILY_HMAC:
		break;
	case JWT_FAMILY_PKCS1:
	case JWT_FAMILY_PSS:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
		break;
	case JWT_FAMILY_EDDSA:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case JWT_FAMILY_ECDSA:
		for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
			if (key_kinds[i].alg == alg)
				pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", key_kinds[i].group);
		}
		break;
	}
	ERR_clear_error();
	return pkey;
}

enum jwt_alg jwt_key_alg(const EVP_PKEY *pkey)
{
	const struct key_kind *kind = kind_of(pkey);

	return kind ? kind->alg : JWT_ALG_COUNT;
}

/* ---- public keys ---- */

static bool put_octets(json_t *object, const char *name, const uint8_t *data, size_t len)
{
	char text[BASE64_TEXT(NUMBER_MAX)];
	size_t text_len = base64url_encode(data, len, text);

	return json_object_set_new(object, name, json_stringn(text, text_len)) == 0;
}

/* `size` 0: as many bytes as the number needs. */
static bool put_number(json_t *object, const char *name, const EVP_PKEY *pkey, const char *param,
		       int size)
{
	uint8_t data[NUMBER_MAX];
	BIGNUM *number = NULL;
	bool good = EVP_PKEY_get_bn_param(pkey, param, &number) == 1;
	int len = good ? BN_num_bytes(number) : 0;

	if (size > len)
		len = size;
	good = good && len <= NUMBER_MAX && BN_bn2binpad(number, data, len) == len &&
	       put_octets(object, name, data, (size_t)len);
	BN_free(number);
	return good;
}

static bool put_raw(json_t *object, const EVP_PKEY *pkey)
{
	uint8_t data[64];
	size_t len = sizeof(data);

	return EVP_PKEY_get_raw_public_key(pkey, data, &len) == 1 &&
	       put_octets(object, "x", data, len);
}

/* The members that RFC 7638, 3.2 hashes, and no others. */
static json_t *essential(const EVP_PKEY *pkey)
{
	const struct key_kind *kind = kind_of(pkey);
	json_t *object;
	bool good;

	if (!kind)
		return NULL;
	object = json_pack("{s:s}", "kty", kind->kty);
	if (kind->crv)
		json_object_set_new(object, "crv", json_string(kind->crv));
	if (strcmp(kind->kty, "RSA") == 0)
		good = put_number(object, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0) &&
		       put_number(object, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
	else if (strcmp(kind->kty, "EC") == 0)
		good = put_number(object, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, kind->size) &&
		       put_number(object, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, kind->size);
	else
		good = put_raw(object, pkey);
	ERR_clear_error();
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

static bool thumbprint(const json_t *object, char out[44])
{
	char *text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool good = text && EVP_Digest(text, strlen(text), hash, &len, EVP_sha256(), NULL) == 1;

	if (good)
		base64url_encode(hash, len, out);
	free(text);
	return good;
}

json_t *jwt_key_public(const EVP_PKEY *pkey, enum jwt_alg alg)
{
	json_t *object = essential(pkey);
	char kid[44];

	if (!object || !thumbprint(object, kid)) {
		json_decref(object);
		return NULL;
	}
	json_object_set_new(object, "kid", json_string(kid));
	json_object_set_new(object, "use", json_string("sig"));
	json_object_set_new(object, "alg", json_string(jwt_algs[alg].name));
	return object;
}

bool jwt_signer_init(struct jwt_signer *out, EVP_PKEY *pkey, enum jwt_alg alg)
{
	json_t *object = essential(pkey);
	bool good;

	*out = (struct jwt_signer){.alg = alg, .pkey = pkey};
	good = object && thumbprint(object, out->kid);
	json_decref(object);
	return good;
}

/* ---- signing ---- */

/* From DER to two numbers of one length (RFC 7518, 3.4). */
static bool flatten(uint8_t *signature, size_t *len, int size)
{
	const uint8_t *at = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)*len);
	bool good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, size) == size &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + size, size) == size;

	ECDSA_SIG_free(pair);
	*len = 2 * (size_t)size;
	return good;
}

static bool sign_by_pkey(const struct jwt_signer *signer, struct str message, uint8_t *out,
			 size_t *len)
{
	const struct jwt_alg_row *row = &jwt_algs[signer->alg];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner = NULL;
	bool good = context && EVP_DigestSignInit_ex(context, &inner, row->hash, NULL, NULL,
						     signer->pkey, NULL) == 1;

	if (good && row->family == JWT_FAMILY_PSS)
		good = EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good &&
	       EVP_DigestSign(context, out, len, (const uint8_t *)message.data, message.len) == 1;
	if (good && row->family == JWT_FAMILY_ECDSA)
		good = flatten(out, len, (int)row->size);
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

static bool sign(const struct jwt_signer *signer, struct str message, uint8_t *out, size_t *len)
{
	*len = SIGNATURE_MAX;
	if (signer->pkey)
		return sign_by_pkey(signer, message, out, len);
	return EVP_Q_mac(NULL, "HMAC", NULL, jwt_algs[signer->alg].hash, NULL, signer->secret.data,
			 signer->secret.len, (const uint8_t *)message.data, message.len, out,
			 SIGNATURE_MAX, len) != NULL;
}

size_t jwt_sign_text(const struct jwt_signer *signer, struct str text, char *out)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t len;

	out[0] = '\0';
	return sign(signer, text, signature, &len) ? base64url_encode(signature, len, out) : 0;
}

static void put_part(struct buf *out, const void *data, size_t len)
{
	uint8_t *room = buf_reserve(out, BASE64_TEXT(len));

	buf_commit(out, base64url_encode(data, len, (char *)room));
}

static void put_json(struct buf *out, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	put_part(out, text, strlen(text));
	free(text);
}

static json_t *complete_header(const struct jwt_signer *signer, const json_t *header)
{
	json_t *whole = json_pack("{s:s, s:s}", "alg", jwt_algs[signer->alg].name, "typ", "JWT");

	if (signer->kid[0])
		json_object_set_new(whole, "kid", json_string(signer->kid));
	if (header)
		json_object_update(whole, (json_t *)header);
	return whole;
}

char *jwt_sign(const struct jwt_signer *signer, const json_t *header, const json_t *claims)
{
	json_t *whole = complete_header(signer, header);
	char signature[BASE64_TEXT(SIGNATURE_MAX)];
	struct buf text = {0};
	size_t len;

	put_json(&text, whole);
	buf_append(&text, ".", 1);
	put_json(&text, claims);
	len = jwt_sign_text(signer, (struct str){(const char *)buf_front(&text), buf_len(&text)},
			    signature);
	buf_append(&text, ".", 1);
	buf_append(&text, signature, len + 1); /* with the terminator */
	json_decref(whole);
	if (len > 0)
		return (char *)text.data; /* nothing was consumed: it begins there */
	buf_deinit(&text);
	return NULL;
}
