/* What a token costs: verified, and remembered.
 *
 *	token
 *		prints for each algorithm: name token_bytes verify_us cached_us   (CPU of one look)
 *
 * Each goes the way of a request: jwt_issuers_judge(), which ends with a principal in the request's
 * arena. The claims are those of an ordinary issuer. Not run by tools/bench: run it by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "identity/jwt_issuers.h"
#include "identity/jwt_keys.h"

#define BUDGET_US 300000.0

static const char secret[] = "a secret of sixty-four bytes, as long as HS512 asks for, or more";

static const char claims_text[] =
	"{\"iss\":\"https://issuer.test\",\"aud\":\"https://"
	"api.test\",\"sub\":\"8f14e45f-ceea-467f\","
	"\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800003600,\"jti\":\"c9f0f895-fb98-4cb9\","
	"\"scope\":\"orders:read orders:write\",\"roles\":[\"reader\",\"writer\"],\"tid\":\"acme\","
	"\"email\":\"ada@example.com\",\"email_verified\":true,\"name\":\"Ada Lovelace\"}";

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Of one look, in microseconds. */
static double measure(struct jwt_issuers *issuers, const char *token)
{
	struct arena arena = {0};
	double begun_us = cpu_us(), spent_us = 0;
	unsigned count = 0;

	while (spent_us < BUDGET_US) {
		struct jwt_judgement judgement =
			jwt_issuers_judge(issuers, str_from(token), 1800000001, &arena);

		if (judgement.verdict != JWT_IS_GOOD) {
			fprintf(stderr, "%s\n", jwt_verdict_text(judgement.verdict));
			exit(1);
		}
		arena_reset(&arena);
		if (++count % 16 == 0)
			spent_us = cpu_us() - begun_us;
	}
	arena_deinit(&arena);
	return spent_us / count;
}

static void write_keys(const char *path, const struct jwt_signer *signer)
{
	FILE *file = fopen(path, "w");
	json_t *set = signer->pkey ? json_pack("{s:[o]}", "keys",
					       jwt_key_public(signer->pkey, signer->alg))
				   : NULL;

	if (!file)
		exit(1);
	if (set)
		json_dumpf(set, file, 0);
	else
		fputs(secret, file);
	json_decref(set);
	fclose(file);
}

static struct jwt_issuers *open_issuers(struct jwt_opts *opts, struct jwks_sources *sources)
{
	struct err err;
	struct jwt_issuers *issuers = jwt_issuers_new(opts, sources, &err);

	if (!issuers) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return issuers;
}

static void run(enum jwt_alg alg, const char *path, struct jwks_sources *sources)
{
	char *algorithms[] = {(char *)jwt_algs[alg].name, NULL};
	char *audiences[] = {(char *)"https://api.test", NULL};
	struct jwt_signer signer = {.alg = alg, .secret = str_from(secret)};
	bool is_hmac = jwt_algs[alg].family == JWT_FAMILY_HMAC;
	struct jwt_issuer_opts issuer = {
		.issuer = (char *)"https://issuer.test",
		.audiences = audiences,
		.algorithms = algorithms,
		.subject_claim = (char *)"sub",
		.roles_claim = (char *)"roles",
		.tenant_claim = (char *)"tid",
	};
	struct jwt_opts opts = {.issuers = &issuer, .issuer_count = 1, .token_bytes = 8192};
	json_t *claims = json_loads(claims_text, 0, NULL);
	double verify_us, cached_us;
	struct jwt_issuers *issuers;
	char *token;

	*(is_hmac ? &issuer.secret_file : &issuer.jwks_file) = (char *)path;
	if (!is_hmac && !jwt_signer_init(&signer, jwt_key_generate(alg), alg))
		exit(1);
	write_keys(path, &signer);
	token = jwt_sign(&signer, NULL, claims);
	issuers = open_issuers(&opts, sources);
	verify_us = measure(issuers, token);
	jwt_issuers_free(issuers);
	opts.cached = 1000;
	issuers = open_issuers(&opts, sources);
	cached_us = measure(issuers, token);
	jwt_issuers_free(issuers);
	printf("%s %zu %.1f %.2f\n", jwt_algs[alg].name, strlen(token), verify_us, cached_us);
	free(token);
	json_decref(claims);
}

int main(void)
{
	struct loop *loop = loop_new();
	struct jwks_sources *sources = jwks_sources_new(loop, NULL);
	char path[] = "/tmp/bench-token-XXXXXX";

	close(mkstemp(path));
	for (unsigned i = 0; i < JWT_ALG_COUNT; i++)
		run((enum jwt_alg)i, path, sources);
	unlink(path);
	return 0;
}
