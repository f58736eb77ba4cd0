/* What can only be said together of the settings of one issuer of tokens. Part of check.c. */
#include "config/check.h"

#include "identity/jwt_alg.h"
#include "observe/errors.h"

static void refuse(struct filling *filling, size_t index, enum setting_id id, int code,
		   const char *why)
{
	problem_add(filling->errors, element_place(filling, SECTION_JWT_ISSUERS, index, id), code,
		    "%s", why);
}

/* Whether it is there, good or bad. */
static bool is_written(const struct filling *filling, size_t index, enum setting_id id)
{
	return filling->elements[SECTION_JWT_ISSUERS][index].lines[id] != 0;
}

static void check_keys(struct filling *filling, size_t index)
{
	bool has_url = is_written(filling, index, SETTING_JWT_ISSUERS_JWKS_URL);
	int count = has_url + is_written(filling, index, SETTING_JWT_ISSUERS_JWKS_FILE) +
		    is_written(filling, index, SETTING_JWT_ISSUERS_SECRET_FILE);

	if (count == 0 && !element_has_refused(&filling->elements[SECTION_JWT_ISSUERS][index],
					       SETTING_JWT_ISSUERS_JWKS_URL))
		refuse(filling, index, SETTING_JWT_ISSUERS_JWKS_URL, ERR_CONFIG_MISSING,
		       "nothing could be verified without keys; add jwks_url, jwks_file or "
		       "secret_file");
	if (count > 1)
		refuse(filling, index, SETTING_JWT_ISSUERS_ISSUER, ERR_CONFIG_CONFLICT,
		       "has keys from several places; write one of jwks_url, jwks_file and "
		       "secret_file");
	if (is_written(filling, index, SETTING_JWT_ISSUERS_JWKS_CA) && !has_url)
		refuse(filling, index, SETTING_JWT_ISSUERS_JWKS_CA, ERR_CONFIG_CONFLICT,
		       "is about a server that is not asked; add jwks_url, or leave it out");
}

static void check_times(struct filling *filling, size_t index, const struct jwt_issuer_opts *issuer)
{
	const struct order order = {SETTING_JWT_ISSUERS_REFETCH, SETTING_JWT_ISSUERS_REFRESH,
				    issuer->refetch_ms, issuer->refresh_ms};

	check_order(filling, SECTION_JWT_ISSUERS, index, &order);
}

/* An algorithm that the issuer's keys can't have would never be used. */
static void check_algorithms(struct filling *filling, size_t index,
			     const struct jwt_issuer_opts *issuer)
{
	for (size_t i = 0; issuer->algorithms && issuer->algorithms[i]; i++) {
		enum jwt_alg alg = jwt_alg_find(str_from(issuer->algorithms[i]));
		bool is_hmac = alg != JWT_ALG_COUNT && jwt_algs[alg].family == JWT_FAMILY_HMAC;

		if (is_hmac != is_written(filling, index, SETTING_JWT_ISSUERS_SECRET_FILE))
			refuse(filling, index, SETTING_JWT_ISSUERS_ALGORITHMS, ERR_CONFIG_CONFLICT,
			       is_hmac ? "HS256, HS384 and HS512 are for secret_file; leave them "
					 "out, or the keys"
				       : "only HS256, HS384 and HS512 are for secret_file; leave "
					 "the others out, or the secret");
	}
}

static void check_audiences(struct filling *filling, size_t index,
			    const struct jwt_issuer_opts *issuer)
{
	for (size_t i = 0; issuer->audiences && issuer->audiences[i]; i++) {
		if (strcmp(issuer->audiences[i], "*") == 0 && (i > 0 || issuer->audiences[1]))
			refuse(filling, index, SETTING_JWT_ISSUERS_AUDIENCES, ERR_CONFIG_CONFLICT,
			       "\"*\" beside others says two things; write one of them");
	}
}

static void check_name(struct filling *filling, size_t index, const struct jwt_issuer_opts *all)
{
	for (size_t i = 0; i < index && all[index].issuer; i++) {
		if (all[i].issuer && strcmp(all[i].issuer, all[index].issuer) == 0)
			refuse(filling, index, SETTING_JWT_ISSUERS_ISSUER, ERR_CONFIG_DUPLICATE,
			       "is there twice; an issuer has one set of rules");
	}
}

void check_jwt(struct filling *filling)
{
	const struct jwt_opts *jwt = &filling->config->edge.identity.jwt;

	for (size_t i = 0; i < jwt->issuer_count; i++) {
		check_keys(filling, i);
		check_times(filling, i, &jwt->issuers[i]);
		check_algorithms(filling, i, &jwt->issuers[i]);
		check_audiences(filling, i, &jwt->issuers[i]);
		check_name(filling, i, jwt->issuers);
	}
}
