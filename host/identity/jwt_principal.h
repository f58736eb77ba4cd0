/* Whom the claims of a verified token mean. Pure. */
#ifndef PLUGD_IDENTITY_JWT_PRINCIPAL_H
#define PLUGD_IDENTITY_JWT_PRINCIPAL_H

#include <jansson.h>

#include "identity/jwt.h"
#include "identity/jwt_opts.h"
#include "identity/principal.h"

/* Takes everything into the arena. JWT_IS_GOOD and *out, or JWT_IS_SUBJECT or JWT_IS_LARGE. */
enum jwt_verdict jwt_principal_make(const json_t *claims, const struct jwt_issuer_opts *opts,
				    struct arena *arena, struct principal *out);

/* A copy whose every byte is in the arena. */
const struct principal *jwt_principal_copy(const struct principal *principal, struct arena *arena);

#endif
