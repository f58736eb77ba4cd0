/* Who asks, as plugd has established it: never what a client merely says. Pure.
 *
 * A principal is constant once it is made. Whoever verifies says where it lives: in the book of
 * keys and users (which a request's configuration holds), or in the request's arena. Either way it
 * is valid until the request is over. */
#ifndef PLUGD_IDENTITY_PRINCIPAL_H
#define PLUGD_IDENTITY_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "proto/wire.h"

/* What goes to a plugin is bounded: it travels with every call. */
#define PRINCIPAL_MAX_BYTES (16u << 10)

struct claim {
	struct str name;
	struct str value; /* text as it is; numbers and booleans as JSON writes them */
};

/* Texts are UTF-8 without NUL. */
struct principal {
	const char *method; /* that has established it: "api_key" */
	struct str subject; /* never empty */
	struct str tenant;  /* empty: none */
	const struct str *roles;
	size_t role_count;
	const struct str *scopes;
	size_t scope_count;
	/* What rules look at. A claim that is a list has an entry for each of its texts. */
	const struct claim *claims;
	size_t claim_count;
	struct str claims_json;	  /* what plugins see: one JSON object; empty: none */
	struct wire_bytes caller; /* all of it but subject and tenant, as REQUEST carries it */
};

/* Fills `caller` from the rest, in the arena. False: it is more than PRINCIPAL_MAX_BYTES. */
bool principal_seal(struct principal *principal, struct arena *arena);

/* The claims as one JSON object, in the arena, for a principal whose claims are all texts. */
struct str principal_claims_json(const struct principal *principal, struct arena *arena);

bool principal_has_role(const struct principal *principal, struct str role);
bool principal_has_scope(const struct principal *principal, struct str scope);
bool principal_has_claim(const struct principal *principal, struct str name, struct str value);

#endif
