/* What is known about clients beyond one configuration: who has failed too often, which passwords
 * were right a moment ago. One for the host; the host owns it. */
#ifndef PLUGD_IDENTITY_IDENTITY_H
#define PLUGD_IDENTITY_IDENTITY_H

#include "identity/proof.h"
#include "observe/log.h"

struct identity;
struct jwks_sources;
struct lockout;
struct logins;

struct identity *identity_new(struct loop *loop, struct log *log); /* returns owned; borrows both */
void identity_free(struct identity *identity); /* no proof may be pending; NULL is fine */

struct jwks_sources *identity_jwks(struct identity *identity);
struct log *identity_log(struct identity *identity);
struct lockout *identity_lockout(struct identity *identity);
struct logins *identity_logins(struct identity *identity);

#endif
