/* The whitelist as the operator's settings want it: signed or not. What is checked is what is then
 * parsed: the bytes are read once. */
#ifndef PLUGD_TRUST_WHITELIST_SIGNED_H
#define PLUGD_TRUST_WHITELIST_SIGNED_H

#include <stdbool.h>

#include "trust/signature.h"
#include "trust/trust_opts.h"
#include "trust/whitelist.h"

/* Who vouches for the list. */
struct whitelist_seal {
	bool is_signed;
	char key_id[ED25519_ID_TEXT];
	uint64_t serial;
};

/* Checks the text of the list in `file` against the signature beside it. Nothing is remembered. 0
 * and
 * *seal_out, or -errno and *err; -ENOENT with ERR_SIGNATURE_MISSING when there is no signature. */
int whitelist_check_seal(const char *file, struct str text, const struct ed25519_public *keys,
			 size_t count, struct whitelist_seal *seal_out, struct err *err);

/* As whitelist_load(), but
 *
 *	without public_keys                 signatures are not looked at
 *	with them, and no .sig              refused if require_signature, accepted as unsigned else
 *	with them, and a .sig               it must be good, and its serial no older one (serial.h)
 *
 * A text that is newer than its .sig is refused, and so the caller keeps the list that it has until
 * one of the two files changes again. *seal_out is set when it returns 0. */
int whitelist_load_signed(const struct trust_opts *opts, struct whitelist **out,
			  struct whitelist_seal *seal_out, struct whitelist_problems *problems);

#endif
