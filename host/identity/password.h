/* A password, and what is kept of it: scrypt (RFC 7914), written as PHC strings are:
 *
 *	$scrypt$ln=14,r=8,p=1$<salt>$<hash>
 *
 * Needs 2^ln * r * 128 bytes of memory and time in proportion, each time it is asked. */
#ifndef PLUGD_IDENTITY_PASSWORD_H
#define PLUGD_IDENTITY_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define PASSWORD_SALT_BYTES 16
#define PASSWORD_HASH_BYTES 32
#define PASSWORD_MAX_BYTES  1024 /* of the password itself */
#define PASSWORD_TEXT	    128	 /* of what is written, with its end */

/* The cost of what is made here: 16 MiB. */
#define PASSWORD_LN 14u
#define PASSWORD_R  8u
#define PASSWORD_P  1u

struct password_hash {
	unsigned ln, r, p;
	uint8_t salt[64];
	size_t salt_len;
	uint8_t hash[PASSWORD_HASH_BYTES];
};

/* NULL, or what is wrong, as the end of a sentence. Costs above what may hold everybody up are
 * refused, and so are those that hold nobody up. */
const char *password_parse(struct str text, struct password_hash *out);

/* Hashes, and compares in constant time. The cost is the same whatever the password. */
bool password_is(const struct password_hash *hash, struct str password);

/* A new one with a random salt. False: there is no randomness, or OpenSSL failed. */
bool password_make(struct str password, char out[PASSWORD_TEXT]);

#endif
