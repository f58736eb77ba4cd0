/* Who asks: what plugd has found out about the caller of a call, by an API key, a password, a
 * certificate or a token. Included by plug.h.
 *
 * Nothing of it comes from the client's own words: it is there because plugd has verified it. It is
 * empty where the operator asks nobody who he is, and for calls of the host itself. The subject is
 * plug_principal(), the tenant plug_tenant(). All texts belong to the call. */
#ifndef PLUG_CALLER_H
#define PLUG_CALLER_H

#include "plug.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How plugd knows: "api_key", "basic", "mtls", "jwt"; "" when it does not. */
PLUG_API const char *plug_caller_method(struct plug_call *call);

/* Whether the caller has this role or scope. */
PLUG_API bool plug_caller_has_role(const struct plug_call *call, const char *role);
PLUG_API bool plug_caller_has_scope(const struct plug_call *call, const char *scope);

/* The one at that place, from 0; NULL: there are no more. */
PLUG_API const char *plug_caller_role(struct plug_call *call, size_t index);
PLUG_API const char *plug_caller_scope(struct plug_call *call, size_t index);

/* What else was vouched for, as one JSON object; "" when there is nothing. */
PLUG_API const char *plug_caller_claims(struct plug_call *call);

#ifdef __cplusplus
}
#endif

#endif
