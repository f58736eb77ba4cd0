/* What tests of tokens share: keys of every kind, tokens signed by them, and sets of their public
 * halves. */
#ifndef PLUGD_TESTS_SUPPORT_JWT_WORLD_H
#define PLUGD_TESTS_SUPPORT_JWT_WORLD_H

#include "identity/jwt_keys.h"
#include "identity/keyset.h"

#define JWT_NOW 1800000000 /* seconds since 1970, in all of them */

/* A signer with a key of its own; made once for each algorithm and kept to the end. */
const struct jwt_signer *jwt_world_signer(enum jwt_alg alg);
void jwt_world_free(void);

/* The JSON of a set with these public keys; returns owned. `count` of them. */
char *jwt_world_jwks(const struct jwt_signer *const *signers, size_t count);

/* The keys of JSON text; fails the test when they can't be used. Returns owned. */
struct keyset *jwt_world_keyset(const char *json);

/* Signs JSON texts; either may be what no issuer would write. Returns owned. */
char *jwt_world_token(const struct jwt_signer *signer, const char *header, const char *claims);

/* Joins three parts, of which the first two are texts and the third is base64url already. Returns
 * owned. */
char *jwt_world_parts(const char *header, const char *claims, const char *signature);

#endif
