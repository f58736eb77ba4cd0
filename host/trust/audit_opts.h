/* What an operator sets for the audit trail. config/ fills it. */
#ifndef PLUGD_TRUST_AUDIT_OPTS_H
#define PLUGD_TRUST_AUDIT_OPTS_H

enum audit_on_failure {
	AUDIT_REFUSES,	/* what can't be recorded does not happen */
	AUDIT_CONTINUES /* it happens, and what was lost is counted */
};

struct audit_opts {
	char *file; /* absolute; NULL: nothing is recorded */
	enum audit_on_failure on_failure;
	char *anchor_key;      /* file of an Ed25519 private key; NULL: no anchors */
	unsigned anchor_every; /* records from one anchor to the next */
};

#endif
