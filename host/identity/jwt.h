/* JSON Web Tokens (RFC 7519) in compact form, signed: bytes, keys, rules and the time make a
 * verdict. RFC 8725 tells what is to be feared. Pure. */
#ifndef PLUGD_IDENTITY_JWT_H
#define PLUGD_IDENTITY_JWT_H

#include "identity/keyset.h"

enum jwt_verdict {
#define JWT_VERDICT(name, text, why) JWT_IS_##name,
#include "identity/jwt_verdict.def"
#undef JWT_VERDICT
	JWT_VERDICT_COUNT,
};

const char *jwt_verdict_name(enum jwt_verdict verdict); /* "alg_none" */
const char *jwt_verdict_text(enum jwt_verdict verdict); /* "the token has expired" */

/* What must hold for the tokens of one issuer. Borrowed from who has it. */
struct jwt_policy {
	const char *issuer;	      /* NULL: any; only for a token's own keys */
	char *const *audiences;	      /* NULL-terminated; NULL: none is looked at */
	char *const *required_claims; /* names, NULL-terminated; NULL: none beside exp */
	uint32_t algs;		      /* JWT_BIT()s that are allowed */
	int64_t leeway_s;	      /* by how much clocks may differ */
};

/* A token that was read. Nothing of it is to be believed before jwt_verify(). */
struct jwt {
	json_t *header, *claims;
	enum jwt_alg alg;
	struct str kid;	      /* {NULL, 0}: it names none; in header */
	struct str message;   /* that is signed; in the token */
	struct str signature; /* in bytes */
	uint8_t *bytes;
};

/* Reads a token of at most `limit` bytes, which must stay as long as *out. What follows the verdict
 * GOOD is jwt_verify(); whatever the verdict, jwt_deinit() is due. */
enum jwt_verdict jwt_read(struct str token, size_t limit, struct jwt *out);
void jwt_deinit(struct jwt *token);

/* The issuer that it claims to be of; NULL: none. */
const char *jwt_issuer(const struct jwt *token);

/* `set` may be NULL: there are no keys. `now_s`: seconds since 1970. */
enum jwt_verdict jwt_verify(const struct jwt *token, const struct keyset *set,
			    const struct jwt_policy *policy, int64_t now_s);

/* Of a good token: the last second in which it is good by the policy. */
int64_t jwt_good_until(const struct jwt *token, const struct jwt_policy *policy);

#endif
