/* The issuers whose tokens one configuration accepts, and the tokens of theirs that were verified
 * lately. */
#ifndef PLUGD_IDENTITY_JWT_ISSUERS_H
#define PLUGD_IDENTITY_JWT_ISSUERS_H

#include "identity/jwks_source.h"
#include "identity/jwt.h"
#include "identity/jwt_opts.h"
#include "identity/principal.h"

struct jwt_issuers;

/* Opens their keys. Borrows the options and the sources while it lives. Returns owned; NULL with
 * *err when a file can't be used. */
struct jwt_issuers *jwt_issuers_new(const struct jwt_opts *opts, struct jwks_sources *sources,
				    struct err *err);
void jwt_issuers_free(struct jwt_issuers *issuers); /* NULL is fine */

/* Reads their files, and keeps nothing. 0, or -errno with *err. */
int jwt_issuers_check_files(const struct jwt_opts *opts, struct err *err);

/* They are in force: sources that others have too go by their times. */
void jwt_issuers_apply(struct jwt_issuers *issuers);

/* What is known of a token afterwards. */
struct jwt_judgement {
	enum jwt_verdict verdict;
	const struct principal *principal; /* of a good one; in the arena */
	struct jwks_source *source;	   /* whose keys were looked at; NULL: none */
};

/* Judges, or remembers. */
struct jwt_judgement jwt_issuers_judge(struct jwt_issuers *issuers, struct str token, int64_t now_s,
				       struct arena *arena);

#endif
