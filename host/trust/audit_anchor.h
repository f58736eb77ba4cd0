/* Anchors of the audit trail: a record that signs the record before it, and by that the whole chain
 * up to there. Who writes the chain anew, with all hashes right, can't write these without the
 * private key. An anchor says nothing of what came after it: that the end is cut off shows only to
 * somebody who keeps a hash elsewhere. Pure.
 *
 *	{"seq": 1000, "hash": "sha256:…", "key": "<id>", "signature": "<128 digits>"}
 */
#ifndef PLUGD_TRUST_AUDIT_ANCHOR_H
#define PLUGD_TRUST_AUDIT_ANCHOR_H

#include <jansson.h>

#include "base/err.h"
#include "trust/audit_chain.h"
#include "trust/ed25519.h"

/* The details of a record that anchors this place. Returns owned; NULL when OpenSSL can't sign. */
json_t *audit_anchor_new(const struct ed25519_private *key, const struct audit_link *link);

/* Holds the details of an anchor against the place that stands before it in the chain, and its
 * signature against the key. 0, or -EBADMSG with *err of ERR_AUDIT_CHAIN. */
int audit_anchor_check(struct str details, const struct audit_link *link,
		       const struct ed25519_public *key, struct err *err);

#endif
