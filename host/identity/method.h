/* The ways in which a client can say who it is: a row each. */
#ifndef PLUGD_IDENTITY_METHOD_H
#define PLUGD_IDENTITY_METHOD_H

#include "identity/credentials.h"
#include "identity/proof.h"

struct method {
	const char *name; /* in the configuration */
	enum credential_kind kind;

	/* What is asked for in WWW-Authenticate, without realm; NULL: nothing can be. */
	const char *scheme;

	/* Fills `claimed` from the credential, for the lock-out. NULL: it tells nothing. */
	void (*peek)(struct proof *proof);

	enum verdict (*verify)(struct proof *proof);

	int busy; /* error number of VERDICT_BUSY; 0: ERR_LOGINS_BUSY */
};

/* Ends with a row without a name. */
extern const struct method auth_methods[];

#define METHOD_NONE "none" /* in the configuration: nobody is asked */

/* Of all rows, for messages. */
#define METHOD_NAMES "api_key, basic, jwt, mtls"

/* NULL: there is none. */
const struct method *method_find(struct str name);
const struct method *method_of(enum credential_kind kind);

/* The challenge of a method in WWW-Authenticate (RFC 9110, 11.6.1), in the arena; empty: it has
 * none. `error`: "invalid_token", or NULL (RFC 6750, 3.1; for Bearer only). `scope`: what is
 * missing; may be empty. */
struct str method_challenge(const struct method *method, const char *realm, const char *error,
			    struct str scope, struct arena *arena);

#endif
