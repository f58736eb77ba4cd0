/* What an operator sets about tokens. config/ fills it. */
#ifndef PLUGD_IDENTITY_JWT_OPTS_H
#define PLUGD_IDENTITY_JWT_OPTS_H

#include <stddef.h>
#include <stdint.h>

/* Who issues tokens, how they are verified, and what their claims mean. */
struct jwt_issuer_opts {
	char *issuer;	   /* as tokens write it */
	char **audiences;  /* NULL-terminated; one of them is enough */
	char **algorithms; /* their names; NULL: RS256, PS256, ES256 and EdDSA, or HS256 */
	char *jwks_url;	   /* one of these three */
	char *jwks_file;
	char *secret_file;
	char *jwks_ca;	    /* NULL: the machine's authorities */
	int64_t refresh_ms; /* keys are used for so long at most before they are fetched again */
	int64_t refetch_ms; /* between fetches that tokens ask for */
	int64_t leeway_ms;  /* by how much clocks may differ */
	char **required_claims; /* NULL: none beside exp */
	char *subject_claim;
	char *roles_claim;  /* a name, or names joined by dots */
	char *scopes_claim; /* NULL: scope, or else scp */
	char *tenant_claim; /* NULL: none */
};

struct jwt_opts {
	struct jwt_issuer_opts *issuers;
	size_t issuer_count;
	size_t token_bytes; /* of the longest token */
	unsigned cached;    /* verified tokens that are remembered; 0: none */
};

#endif
