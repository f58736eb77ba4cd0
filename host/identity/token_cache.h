/* Tokens that were verified, so that a client's next request doesn't cost a signature. Bounded:
 * each token has few places, and pushes out what was used least lately there. Pure: the time is an
 * argument. */
#ifndef PLUGD_IDENTITY_TOKEN_CACHE_H
#define PLUGD_IDENTITY_TOKEN_CACHE_H

#include "identity/principal.h"
#include "trust/digest.h"

struct token_cache;

/* What a token was verified by: it counts as long as that is so. */
struct token_basis {
	unsigned issuer;
	uint64_t edition; /* of the issuer's keys */
	int64_t until_s;  /* the last second */
};

/* For so many tokens, rounded up to a power of two; their memory comes as they come. Returns
 * owned. */
struct token_cache *token_cache_new(unsigned tokens);
void token_cache_free(struct token_cache *cache); /* NULL is fine */

/* Who it was, until the next call; and by what. NULL: it is not there. What is found has still to
 * be held against the time and the edition: token_cache_drop() what has gone. */
const struct principal *token_cache_find(struct token_cache *cache, const struct digest *token,
					 struct token_basis *out);
void token_cache_drop(struct token_cache *cache, const struct digest *token);

/* Copies the principal. One that is there already is replaced. */
void token_cache_put(struct token_cache *cache, const struct digest *token,
		     const struct token_basis *basis, const struct principal *principal);

size_t token_cache_count(const struct token_cache *cache);

#endif
