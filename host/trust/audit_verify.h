/* The whole of an audit trail, held against what must be true of it. */
#ifndef PLUGD_TRUST_AUDIT_VERIFY_H
#define PLUGD_TRUST_AUDIT_VERIFY_H

#include "base/err.h"
#include "store/store.h"
#include "trust/audit_chain.h"
#include "trust/ed25519.h"

/* What the verifier knows from elsewhere. */
struct audit_proof {
	const struct ed25519_public *key; /* anchors must be signed with it; NULL: not looked at */
	const struct digest *head;	  /* a record must have this hash; NULL: not looked for */
};

struct audit_report {
	struct audit_link last; /* zeroed: there is no record */
	int64_t anchors;
	int64_t anchored; /* the last record that an anchor signs; 0: none */
};

/* Reads every record. 0, or -EBADMSG with *err of ERR_AUDIT_CHAIN, which names the first one that
 * is wrong; or another -errno: it could not be read to its end. *report tells what was good until
 * there. */
int audit_verify(struct store *store, const struct audit_proof *proof, struct audit_report *report,
		 struct err *err);

#endif
