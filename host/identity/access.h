/* Whether somebody may do something: an operator's rule held against a principal. Pure. */
#ifndef PLUGD_IDENTITY_ACCESS_H
#define PLUGD_IDENTITY_ACCESS_H

#include "base/arena.h"
#include "identity/identity_opts.h"
#include "identity/principal.h"

enum access_verdict {
	ACCESS_ALLOWED,
	ACCESS_LACKS_ROLE,
	ACCESS_LACKS_SCOPE, /* a token with more scopes would help: RFC 6750, 3.1 */
	ACCESS_LACKS_CLAIM,
};

/* All parts of the rule must hold. */
enum access_verdict access_check(const struct auth_opts *rule, const struct principal *principal);

/* The scopes that the rule asks for, as RFC 6750 writes them: "a b", in the arena. */
struct str access_scopes(const struct auth_opts *rule, struct arena *arena);

/* It asks for more than to be somebody. */
bool access_asks(const struct auth_opts *rule);

#endif
