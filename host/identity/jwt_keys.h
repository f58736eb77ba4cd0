/* Making keys and tokens: what an issuer does, for `plugctl token`, tests and the benchmark. plugd
 * itself only verifies. */
#ifndef PLUGD_IDENTITY_JWT_KEYS_H
#define PLUGD_IDENTITY_JWT_KEYS_H

#include <jansson.h>
#include <openssl/types.h>

#include "base/err.h"
#include "base/str.h"
#include "identity/jwt_alg.h"

/* A key that signs: one of OpenSSL's, or a secret for HMAC. */
struct jwt_signer {
	enum jwt_alg alg;
	EVP_PKEY *pkey;	   /* NULL: a secret */
	struct str secret; /* borrowed */
	char kid[44];	   /* of a pkey: its thumbprint (RFC 7638); empty: none */
};

/* A new key for an algorithm other than HMAC's. Returns owned; NULL when OpenSSL can't. */
EVP_PKEY *jwt_key_generate(enum jwt_alg alg);

/* The algorithm that a key is usually used with: RS256, ES256 and so on, EdDSA; JWT_ALG_COUNT:
 * tokens are not signed by such keys. */
enum jwt_alg jwt_key_alg(const EVP_PKEY *pkey);

/* Its public half as a JSON Web Key, with use, alg and kid. Returns owned; NULL when OpenSSL
 * can't, or tokens are not signed by such keys. */
json_t *jwt_key_public(const EVP_PKEY *pkey, enum jwt_alg alg);

/* Fills *out; borrows the key. False: as jwt_key_public(). */
bool jwt_signer_init(struct jwt_signer *out, EVP_PKEY *pkey, enum jwt_alg alg);

/* The signature of a text in base64url, terminated; `out` has room for BASE64_TEXT of 1024
 * bytes, for HMAC of 64. Returns its length; 0 when OpenSSL can't. */
size_t jwt_sign_text(const struct jwt_signer *signer, struct str text, char *out);

/* The token; `header` may have more than alg, typ and kid, which are set unless they are there.
 * Borrows both. Returns owned; NULL when OpenSSL can't. */
char *jwt_sign(const struct jwt_signer *signer, const json_t *header, const json_t *claims);

#endif
