/* What an operator sets for trust: where the pins are, what happens to an executable without one,
 * and where executables may lie. config/ fills it. */
#ifndef PLUGD_TRUST_TRUST_OPTS_H
#define PLUGD_TRUST_TRUST_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#define EXEC_MAX_BYTES (INT64_C(512) << 20) /* of one file: it is held in memory */

/* guard.c has the table of what each of them tolerates. */
enum trust_policy {
	TRUST_STRICT,	  /* only what is listed, enabled and unchanged may run */
	TRUST_PERMISSIVE, /* what is not listed at all may run too, with a warning */
	TRUST_AUDIT,	  /* everything may run; what strict would refuse is recorded */
	TRUST_POLICY_COUNT,
};

/* What becomes of a process whose executable may not run any more. */
enum trust_revoke {
	REVOKE_DRAIN, /* it finishes its calls and ends */
	REVOKE_KILL,  /* it ends at once */
	REVOKE_KEEP,  /* it runs on, but is not started again */
};

struct trust_opts {
	char *whitelist_file; /* absolute; NULL only when no plugin is enabled */
	enum trust_policy policy;
	char **allowed_directories; /* plain paths, NULL-terminated; none or NULL: anywhere */
	char **forbidden_paths;	    /* the same; wins over the others */
	uint64_t max_executable_bytes;
	bool require_safe_modes; /* nobody but root and this user may change the file or its path */
	bool watch_whitelist;	 /* a file that has changed is read again */
	enum trust_revoke on_revoke;
	char **public_keys;	/* "ed25519:…", NULL-terminated; whose signatures count */
	bool require_signature; /* an unsigned list is refused */
	char *serial_file;	/* absolute; NULL: no serial is remembered */
	char *control_groups;	/* absolute, CONTROL_GROUPS_OWN or CONTROL_GROUPS_NONE */
};

#endif
