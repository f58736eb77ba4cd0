/* The chain of the audit trail: each record carries the hash of the one before it and its own, over
 * all of its fields. So a record can't be changed, removed, put in or moved without breaking the
 * chain from there on, unless all that follows is written anew; what that takes, see
 * audit_anchor.h. Pure.
 *
 *	hash = SHA-256 of "plugd.audit.record.v1", seq, time, event, subject, actor, details,
 *	previous: numbers as 8 bytes, texts and hashes with their lengths as 8 bytes in front, all
 *	big-endian. */
#ifndef PLUGD_TRUST_AUDIT_CHAIN_H
#define PLUGD_TRUST_AUDIT_CHAIN_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "trust/digest.h"

struct audit_row {
	int64_t seq;	 /* from 1, without gaps */
	int64_t time_ms; /* wall clock */
	struct str event;
	struct str subject; /* a plugin; empty: none */
	struct str actor;   /* "host", or "uid=0 gid=0 pid=4711" of who asked the admin socket */
	struct str details; /* a JSON object */
	struct digest previous; /* of the first record: zeroes */
	struct digest hash;
};

/* What its hash must be. 0, or -EIO when OpenSSL can't. */
int audit_row_hash(const struct audit_row *row, struct digest *out);

/* A place in a chain; zeroed: before the first record. */
struct audit_link {
	int64_t seq; /* of the last record */
	struct digest hash;
};

/* Holds the next record against the last one, and goes on to it. 0, or -EBADMSG with *err of
 * ERR_AUDIT_CHAIN, which names the first record that is wrong. */
int audit_link_next(struct audit_link *link, const struct audit_row *row, struct err *err);

#endif
