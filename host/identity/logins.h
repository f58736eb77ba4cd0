/* What passwords may cost: how many are hashed in a second, and which were right a moment ago and
 * need not be hashed again. Bounded memory; pure: time is an argument. */
#ifndef PLUGD_IDENTITY_LOGINS_H
#define PLUGD_IDENTITY_LOGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Passwords that are remembered, in 40 bytes each. */
#define LOGINS_PLACES 1024u

#define LOGIN_MARK_BYTES 32

struct logins;

/* What stands for a login; without the key of this process nobody can make one, or guess at the
 * password that is in it. */
struct login_mark {
	uint8_t bytes[LOGIN_MARK_BYTES];
};

struct logins *logins_new(void);	 /* returns owned; NULL when OpenSSL has no HMAC */
void logins_free(struct logins *logins); /* NULL is fine */

/* Of a user, a password and the hash that it was held against: another hash is another mark. False:
 * OpenSSL failed. */
bool logins_mark(struct logins *logins, struct str user, struct str password, struct str hash,
		 struct login_mark *out);

bool logins_remember(const struct logins *logins, const struct login_mark *mark, int64_t now_us);
void logins_add(struct logins *logins, const struct login_mark *mark, int64_t now_us,
		int64_t memory_ms);

/* One more may be hashed now. False: *wait_ms_out is when. */
bool logins_may_hash(struct logins *logins, unsigned per_second, int64_t now_us,
		     int64_t *wait_ms_out);

#endif
