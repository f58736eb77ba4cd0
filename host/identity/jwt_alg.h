/* The algorithms of a token's signature, as rows and as sets of bits. Pure. */
#ifndef PLUGD_IDENTITY_JWT_ALG_H
#define PLUGD_IDENTITY_JWT_ALG_H

#include <stdint.h>

#include "base/str.h"

enum jwt_alg {
#define JWT_ALG(name, text, family, hash, size) JWT_##name,
#include "identity/jwt_alg.def"
#undef JWT_ALG
	JWT_ALG_COUNT,
};

enum jwt_family {
	JWT_FAMILY_HMAC,
	JWT_FAMILY_PKCS1,
	JWT_FAMILY_PSS,
	JWT_FAMILY_ECDSA,
	JWT_FAMILY_EDDSA,
};

struct jwt_alg_row {
	const char *name;
	enum jwt_family family;
	const char *hash; /* OpenSSL's name; NULL: the algorithm has its own */
	unsigned size;	  /* HS: fewest bytes of a secret; ES: bytes of one coordinate */
};

extern const struct jwt_alg_row jwt_algs[JWT_ALG_COUNT];

/* A set of them is a uint32_t. */
#define JWT_BIT(alg)  (1u << (alg))
#define JWT_ALL	      (JWT_BIT(JWT_ALG_COUNT) - 1)
#define JWT_ALL_HMAC  (JWT_BIT(JWT_HS256) | JWT_BIT(JWT_HS384) | JWT_BIT(JWT_HS512))
#define JWT_ALL_PKCS1 (JWT_BIT(JWT_RS256) | JWT_BIT(JWT_RS384) | JWT_BIT(JWT_RS512))
#define JWT_ALL_PSS   (JWT_BIT(JWT_PS256) | JWT_BIT(JWT_PS384) | JWT_BIT(JWT_PS512))

/* By its exact name: "ES256"; JWT_ALG_COUNT when there is none. */
enum jwt_alg jwt_alg_find(struct str name);

#endif
