/* The signature of a whitelist: who vouches for which text, and the how-manieth list it is. It
 * stands beside the list in <whitelist>.sig, because the list is for people to edit and its bytes
 * are what is signed. A line per field, "#" begins a comment, in any order, each exactly once:
 *
 *	version: 1
 *	key: 9e1c2b7a04d35f68
 *	serial: 7
 *	sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *	signature: <128 hexadecimal digits>
 *
 * What the Ed25519 key signs is a text that says what it is for, so that no signature over anything
 * else can be passed off as one:
 *
 *	plugd whitelist signature 1\nserial: 7\nsha256: 9f86…0a08\n
 *
 * `key` only chooses among the public keys; `sha256` tells an old signature beside a new text from
 * a forged one. The serial rises with each signature: serial.h remembers the highest. Pure. */
#ifndef PLUGD_TRUST_SIGNATURE_H
#define PLUGD_TRUST_SIGNATURE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "trust/digest.h"
#include "trust/ed25519.h"

#define SIGNATURE_MAX_BYTES  4096 /* of a file; a larger one is none */
#define SIGNATURE_MAX_SERIAL UINT64_C(999999999999999)

struct signature {
	char key_id[ED25519_ID_TEXT];
	uint64_t serial; /* from 1 */
	struct digest digest;
	struct ed25519_signature bytes;
};

/* <whitelist>.sig. Returns owned. Both files together are the list: whoever watches one watches the
 * other. */
char *signature_path(const char *whitelist_file);

/* The text of a signature file; `file` is its name in messages. 0, or -EINVAL and *err with
 * ERR_SIGNATURE_FILE, which names the line. */
int signature_parse(struct str text, const char *file, struct signature *out, struct err *err);

/* Appends the text of the file. */
void signature_format(const struct signature *signature, struct buf *out);

/* Signs. 0, or -EIO when OpenSSL can't. */
int signature_make(const struct ed25519_private *key, const struct digest *digest, uint64_t serial,
		   struct signature *out);

/* Whether one of the keys has signed exactly the text with this digest. `file` is the name of the
 * signature in messages. 0, or -EACCES and *err with ERR_SIGNATURE_KEY (by nobody of these) or
 * ERR_SIGNATURE_WRONG. */
int signature_check(const struct signature *signature, const struct digest *digest,
		    const struct ed25519_public *keys, size_t count, const char *file,
		    struct err *err);

#endif
