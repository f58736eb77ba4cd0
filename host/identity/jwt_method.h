/* Bearer tokens (RFC 6750) that are JSON Web Tokens, as a method. */
#ifndef PLUGD_IDENTITY_JWT_METHOD_H
#define PLUGD_IDENTITY_JWT_METHOD_H

#include "identity/proof.h"

/* Pending while the keys of its issuer are fetched. */
enum verdict jwt_method_verify(struct proof *proof);

#endif
