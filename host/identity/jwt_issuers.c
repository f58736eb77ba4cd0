/* The issuers of one configuration. A token names its issuer before anything of it is believed:
 * that only chooses the keys and the rules, and the rules ask for the same name again once the
 * signature is verified. Owns their sources of keys and the cache; a book owns it. Fails when a
 * file of keys can't be used. */
#include "identity/jwt_issuers.h"

#include <stdlib.h>

#include "base/mem.h"
#include "identity/jwt_principal.h"
#include "identity/token_cache.h"

#define DEFAULT_ALGS                                                                               \
	(JWT_BIT(JWT_RS256) | JWT_BIT(JWT_PS256) | JWT_BIT(JWT_ES256) | JWT_BIT(JWT_EDDSA))

struct issuer {
	const struct jwt_issuer_opts *opts;
	struct jwt_policy policy;
	struct jwks_source *source;
};

struct jwt_issuers {
	const struct jwt_opts *opts;
	struct issuer *items;
	size_t count;		   /* that are open */
	struct token_cache *cache; /* NULL: nothing is remembered */
	struct digester *digester; /* of tokens */
};

static uint32_t algs_of(const struct jwt_issuer_opts *opts)
{
	uint32_t algs = 0;

	if (!opts->algorithms)
		return opts->secret_file ? JWT_BIT(JWT_HS256) : DEFAULT_ALGS;
	for (size_t i = 0; opts->algorithms[i]; i++) {
		enum jwt_alg alg = jwt_alg_find(str_from(opts->algorithms[i]));

		if (alg != JWT_ALG_COUNT)
			algs |= JWT_BIT(alg);
	}
	return algs;
}

static bool is_for_anybody(char *const *audiences)
{
	return audiences && audiences[0] && strcmp(audiences[0], "*") == 0;
}

static struct jwks_opts keys_of(const struct jwt_issuer_opts *opts)
{
	return (struct jwks_opts){
		.file = opts->jwks_file,
		.url = opts->jwks_url,
		.secret_file = opts->secret_file,
		.ca_file = opts->jwks_ca,
		.secret_algs = algs_of(opts),
		.refresh_ms = opts->refresh_ms,
		.refetch_ms = opts->refetch_ms,
	};
}

static int issuer_open(struct issuer *issuer, const struct jwt_issuer_opts *opts,
		       struct jwks_sources *sources, struct err *err)
{
	const struct jwks_opts keys = keys_of(opts);

	issuer->opts = opts;
	issuer->policy = (struct jwt_policy){
		.issuer = opts->issuer,
		.audiences = is_for_anybody(opts->audiences) ? NULL : opts->audiences,
		.required_claims = opts->required_claims,
		.algs = algs_of(opts),
		.leeway_s = opts->leeway_ms / 1000,
	};
	issuer->source = jwks_source_open(sources, &keys, err);
	return issuer->source ? 0 : -1;
}

struct jwt_issuers *jwt_issuers_new(const struct jwt_opts *opts, struct jwks_sources *sources,
				    struct err *err)
{
	struct jwt_issuers *issuers = mem_new(struct jwt_issuers);

	issuers->opts = opts;
	issuers->items = mem_array(opts->issuer_count + 1, sizeof(*issuers->items));
	for (size_t i = 0; i < opts->issuer_count; i++) {
		if (issuer_open(&issuers->items[i], &opts->issuers[i], sources, err) < 0) {
			jwt_issuers_free(issuers);
			return NULL;
		}
		issuers->count++;
	}
	issuers->digester = digester_new();
	if (opts->cached > 0)
		issuers->cache = token_cache_new(opts->cached);
	return issuers;
}

void jwt_issuers_free(struct jwt_issuers *issuers)
{
	if (!issuers)
		return;
	for (size_t i = 0; i < issuers->count; i++)
		jwks_source_close(issuers->items[i].source);
	token_cache_free(issuers->cache);
	digester_free(issuers->digester);
	free(issuers->items);
	free(issuers);
}

int jwt_issuers_check_files(const struct jwt_opts *opts, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < opts->issuer_count; i++) {
		const struct jwks_opts keys = keys_of(&opts->issuers[i]);

		r = jwks_source_check(&keys, err);
	}
	return r;
}

void jwt_issuers_apply(struct jwt_issuers *issuers)
{
	for (size_t i = 0; i < issuers->count; i++) {
		const struct jwks_opts keys = keys_of(issuers->items[i].opts);

		jwks_source_apply(issuers->items[i].source, &keys);
	}
}

/* ---- judging ---- */

static struct issuer *find_issuer(const struct jwt_issuers *issuers, const char *name)
{
	for (size_t i = 0; name && i < issuers->count; i++) {
		if (strcmp(issuers->items[i].opts->issuer, name) == 0)
			return &issuers->items[i];
	}
	return NULL;
}

/* NULL: it has to be verified. */
static const struct principal *recall(struct jwt_issuers *issuers, const struct digest *digest,
				      int64_t now_s, struct arena *arena)
{
	struct token_basis basis;
	const struct principal *principal = token_cache_find(issuers->cache, digest, &basis);

	if (!principal)
		return NULL;
	if (now_s <= basis.until_s &&
	    basis.edition == jwks_source_edition(issuers->items[basis.issuer].source))
		return jwt_principal_copy(principal, arena);
	token_cache_drop(issuers->cache, digest);
	return NULL;
}

static void remember(struct jwt_issuers *issuers, const struct issuer *issuer,
		     const struct digest *digest, const struct jwt *token,
		     const struct principal *principal)
{
	const struct token_basis basis = {
		.issuer = (unsigned)(issuer - issuers->items),
		.edition = jwks_source_edition(issuer->source),
		.until_s = jwt_good_until(token, &issuer->policy),
	};

	token_cache_put(issuers->cache, digest, &basis, principal);
}

/* A token that was read: `digest` NULL: it is not remembered. */
static void verify(struct jwt_issuers *issuers, const struct jwt *token,
		   const struct digest *digest, int64_t now_s, struct arena *arena,
		   struct jwt_judgement *out)
{
	struct issuer *issuer = find_issuer(issuers, jwt_issuer(token));
	struct principal *principal;

	out->verdict = JWT_IS_ISSUER;
	if (!issuer)
		return;
	out->source = issuer->source;
	out->verdict = jwt_verify(token, jwks_source_keys(issuer->source), &issuer->policy, now_s);
	if (out->verdict != JWT_IS_GOOD)
		return;
	principal = arena_new(arena, struct principal);
	out->verdict = jwt_principal_make(token->claims, issuer->opts, arena, principal);
	if (out->verdict != JWT_IS_GOOD)
		return;
	out->principal = principal;
	if (digest)
		remember(issuers, issuer, digest, token, principal);
}

struct jwt_judgement jwt_issuers_judge(struct jwt_issuers *issuers, struct str token, int64_t now_s,
				       struct arena *arena)
{
	struct jwt_judgement judgement = {.verdict = JWT_IS_GOOD};
	bool is_remembered = issuers->cache && token.len <= issuers->opts->token_bytes;
	struct digest digest;
	struct jwt read;

	if (is_remembered && digester_text(issuers->digester, token, &digest) < 0)
		is_remembered = false;
	if (is_remembered)
		judgement.principal = recall(issuers, &digest, now_s, arena);
	if (judgement.principal)
		return judgement;
	judgement.verdict = jwt_read(token, issuers->opts->token_bytes, &read);
	if (judgement.verdict == JWT_IS_GOOD)
		verify(issuers, &read, is_remembered ? &digest : NULL, now_s, arena, &judgement);
	jwt_deinit(&read);
	return judgement;
}
