/* One key that verifies tokens: from a JSON Web Key (RFC 7517) or from a shared secret. It knows
 * what it is good for, and is asked nothing else: no token can make an RSA key serve as a secret.
 * Pure. */
#ifndef PLUGD_IDENTITY_JWK_H
#define PLUGD_IDENTITY_JWK_H

#include <jansson.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "base/secret.h"
#include "identity/jwt_alg.h"

#define JWK_KID_MAX	 256 /* bytes of a key's id */
#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 8192

struct jwk {
	char *kid;			  /* NULL: it has none */
	uint32_t algs;			  /* what it is good for: JWT_BIT()s, at least one */
	EVP_PKEY *pkey;			  /* public; NULL: a shared secret */
	struct secret secret;		  /* of HMAC alone */
	EVP_MD_CTX *begun[JWT_ALG_COUNT]; /* verifications that were begun, to be copied; lazily */
};

/* A public key. Ends with 0 and *out (jwk_deinit() it), or with what is wrong with it, as the end
 * of a sentence: "is meant for encryption". Refused are private and symmetric keys, too: nobody
 * publishes those on purpose. `algs`: those that may be used at all. */
const char *jwk_parse(const json_t *object, uint32_t algs, struct jwk *out);

/* A shared secret, which it copies. Ends as jwk_parse(). */
const char *jwk_of_secret(struct str secret, uint32_t algs, struct jwk *out);

/* Whether the signature is this key's, by an algorithm that it is good for. */
bool jwk_verify(struct jwk *key, enum jwt_alg alg, struct str message, struct str signature);

void jwk_deinit(struct jwk *key);

#endif
