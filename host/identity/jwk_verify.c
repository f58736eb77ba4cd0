/* A signature held against a key. Each algorithm of a key is set up once and copied for each
 * signature, because OpenSSL looks its parts up by name. Errors of OpenSSL's queue are dropped:
 * a signature is good or it is not. */
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "identity/jwk.h"

#define DER_MAX 160 /* of two numbers of 66 bytes */

static bool hmac_verify(const struct jwk *key, const struct jwt_alg_row *row, struct str message,
			struct str signature)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t len = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, row->hash, NULL, key->secret.data, key->secret.len,
		       (const uint8_t *)message.data, message.len, mac, sizeof(mac), &len))
		return false;
	return len == signature.len && CRYPTO_memcmp(mac, signature.data, len) == 0;
}

/* RFC 7518, 3.5: the salt is as long as the hash, and MGF1 uses the same hash. */
static bool choose_padding(EVP_PKEY_CTX *context, enum jwt_family family)
{
	if (family == JWT_FAMILY_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	if (family == JWT_FAMILY_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

static EVP_MD_CTX *begin(struct jwk *key, enum jwt_alg alg)
{
	const struct jwt_alg_row *row = &jwt_algs[alg];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner = NULL;

	if (context &&
	    EVP_DigestVerifyInit_ex(context, &inner, row->hash, NULL, NULL, key->pkey, NULL) == 1 &&
	    choose_padding(inner, row->family))
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

static bool pkey_verify(struct jwk *key, enum jwt_alg alg, struct str message,
			const void *signature, size_t len)
{
	EVP_MD_CTX *context;
	bool good;

	if (!key->begun[alg])
		key->begun[alg] = begin(key, alg);
	context = key->begun[alg] ? EVP_MD_CTX_new() : NULL;
	good = context && EVP_MD_CTX_copy_ex(context, key->begun[alg]) == 1 &&
	       EVP_DigestVerify(context, signature, len, (const uint8_t *)message.data,
				message.len) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

/* RFC 7518, 3.4: two numbers of the coordinate's length, one behind the other; OpenSSL wants them
 * in DER. Zero is no signature in any implementation but some that had to be mended. */
static bool ecdsa_verify(struct jwk *key, enum jwt_alg alg, struct str message,
			 struct str signature)
{
	int size = (int)jwt_algs[alg].size;
	const uint8_t *data = (const uint8_t *)signature.data;
	uint8_t der[DER_MAX], *end = der;
	ECDSA_SIG *pair;
	BIGNUM *r, *s;
	bool good = false;

	if (signature.len != 2 * (size_t)size)
		return false;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(data, size, NULL);
	s = BN_bin2bn(data + size, size, NULL);
	if (pair && r && s && !BN_is_zero(r) && !BN_is_zero(s) && ECDSA_SIG_set0(pair, r, s) == 1) {
		int len = i2d_ECDSA_SIG(pair, &end);

		good = len > 0 && pkey_verify(key, alg, message, der, (size_t)len);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(pair);
	return good;
}

bool jwk_verify(struct jwk *key, enum jwt_alg alg, struct str message, struct str signature)
{
	const struct jwt_alg_row *row = &jwt_algs[alg];
	bool good = false;

	if (!(key->algs & JWT_BIT(alg)) || signature.len == 0)
		return false;
	switch (row->family) {
	case JWT_FAMILY_HMAC:
		good = key->secret.data && hmac_verify(key, row, message, signature);
		break;
	case JWT_FAMILY_PKCS1:
	case JWT_FAMILY_PSS:
	case JWT_FAMILY_EDDSA:
		good = key->pkey && pkey_verify(key, alg, message, signature.data, signature.len);
		break;
	case JWT_FAMILY_ECDSA:
		good = key->pkey && ecdsa_verify(key, alg, message, signature);
		break;
	}
	ERR_clear_error();
	return good;
}
