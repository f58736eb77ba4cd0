/* Tokens that were verified. Tokens themselves are not kept, only their SHA-256: nobody finds
 * another text for one of those, and what is in memory opens no door. Owned by the issuers of one
 * configuration (jwt_issuers.c), so another configuration begins without. */
#include "identity/token_cache.h"

#include <stdlib.h>

#include "base/mem.h"
#include "identity/jwt_principal.h"

#define WAYS 4u

struct place {
	struct digest token;
	struct token_basis basis;
	const struct principal *principal; /* in the arena; NULL: nobody's place */
	struct arena arena;
	uint64_t used; /* when, in uses of the cache */
};

struct token_cache {
	struct place *places;
	size_t sets; /* a power of two, of WAYS places each */
	uint64_t uses;
	size_t count;
};

struct token_cache *token_cache_new(unsigned tokens)
{
	struct token_cache *cache = mem_new(struct token_cache);

	cache->sets = 1;
	while (cache->sets * WAYS < tokens)
		cache->sets *= 2;
	cache->places = mem_array(cache->sets * WAYS, sizeof(*cache->places));
	return cache;
}

void token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->sets * WAYS; i++)
		arena_deinit(&cache->places[i].arena);
	free(cache->places);
	free(cache);
}

static struct place *set_of(struct token_cache *cache, const struct digest *token)
{
	uint64_t number;

	memcpy(&number, token->bytes, sizeof(number));
	return &cache->places[(number & (cache->sets - 1)) * WAYS];
}

static struct place *find(struct token_cache *cache, const struct digest *token)
{
	struct place *set = set_of(cache, token);

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].principal && digest_eq(&set[i].token, token))
			return &set[i];
	}
	return NULL;
}

const struct principal *token_cache_find(struct token_cache *cache, const struct digest *token,
					 struct token_basis *out)
{
	struct place *place = find(cache, token);

	if (!place)
		return NULL;
	place->used = ++cache->uses;
	*out = place->basis;
	return place->principal;
}

static void empty(struct token_cache *cache, struct place *place)
{
	if (place->principal)
		cache->count--;
	arena_deinit(&place->arena);
	*place = (struct place){0};
}

void token_cache_drop(struct token_cache *cache, const struct digest *token)
{
	struct place *place = find(cache, token);

	if (place)
		empty(cache, place);
}

/* Its own, or one that is free, or the one that was used least lately: free ones never were. */
static struct place *choose(struct token_cache *cache, const struct digest *token)
{
	struct place *set = set_of(cache, token);
	struct place *best = find(cache, token);

	if (best)
		return best;
	best = set;
	for (unsigned i = 1; i < WAYS; i++) {
		if (set[i].used < best->used)
			best = &set[i];
	}
	return best;
}

void token_cache_put(struct token_cache *cache, const struct digest *token,
		     const struct token_basis *basis, const struct principal *principal)
{
	struct place *place = choose(cache, token);

	empty(cache, place);
	place->token = *token;
	place->basis = *basis;
	place->principal = jwt_principal_copy(principal, &place->arena);
	place->used = ++cache->uses;
	cache->count++;
}

size_t token_cache_count(const struct token_cache *cache)
{
	return cache->count;
}
