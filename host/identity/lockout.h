/* Who has failed too often to be heard for a while. Bounded memory; pure: time is an argument. */
#ifndef PLUGD_IDENTITY_LOCKOUT_H
#define PLUGD_IDENTITY_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/str.h"
#include "identity/identity_opts.h"
#include "net/ip.h"

/* Clients that are remembered, in 40 bytes each. */
#define LOCKOUT_PLACES 8192u

struct lockout;

/* Takes memory only when somebody fails. Returns owned. */
struct lockout *lockout_new(const struct siphash_key *key);
void lockout_free(struct lockout *lockout); /* NULL is fine */

/* Somebody has failed, ever: before that there is nothing to ask and to forgive. */
bool lockout_is_used(const struct lockout *lockout);

/* What a client is known by; 0 is nobody's. */
uint64_t lockout_name(const struct lockout *lockout, const struct ip *client, struct str method,
		      struct str claimed);

/* How long it is not heard yet; 0: it is. */
int64_t lockout_left_ms(const struct lockout *lockout, uint64_t name, int64_t now_ms);

/* It has failed. True: that was once too often, and it is locked out. */
bool lockout_count(struct lockout *lockout, const struct lockout_opts *opts, uint64_t name,
		   int64_t now_ms);

/* It has not: all is forgotten. */
void lockout_forgive(struct lockout *lockout, uint64_t name);

#endif
