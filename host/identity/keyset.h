/* The keys of one issuer: a JWK Set (RFC 7517, 5), or one shared secret. Pure. */
#ifndef PLUGD_IDENTITY_KEYSET_H
#define PLUGD_IDENTITY_KEYSET_H

#include <stddef.h>

#include "base/err.h"
#include "identity/jwk.h"

#define KEYSET_MAX_KEYS	 100
#define KEYSET_MAX_BYTES (256u << 10)

struct keyset {
	struct jwk *keys;
	size_t count;
	size_t left_out; /* keys that can't be used */
	char *remark;	 /* on the first of those, as a sentence; NULL: there is none */
};

/* Takes the keys that can be used and leaves out the others, as RFC 7517, 5 asks. 0 and *out
 * (returns owned), or -EINVAL and *err with `code`: it is no set, or none of its keys can be
 * used. */
int keyset_parse(struct str text, uint32_t algs, int code, struct keyset **out, struct err *err);

/* As keyset_parse(), with the one secret, which it copies. */
int keyset_of_secret(struct str secret, uint32_t algs, int code, struct keyset **out,
		     struct err *err);

enum keyset_match {
	KEYSET_FOUND,
	KEYSET_NO_KID, /* no key has this id */
	KEYSET_NO_ALG, /* the key with this id, or all of them, are for other algorithms */
	KEYSET_VAGUE,  /* no id is given, and several keys would do */
};

/* The key for a token. `kid` {NULL, 0}: the token names none, and the only key that is good for
 * `alg` is meant. *out is valid as long as the set. */
enum keyset_match keyset_find(const struct keyset *set, struct str kid, enum jwt_alg alg,
			      struct jwk **out);

void keyset_free(struct keyset *set); /* NULL is fine */

#endif
