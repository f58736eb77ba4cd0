/* What is in force: the whitelist, the constraints on where executables may lie, and the policy
 * that says which deviations are only remarked. exec.c asks it about files that it opens, and again
 * about images that run. Pure, but for the owners of a file, which owners.h looks up. */
#ifndef PLUGD_TRUST_GUARD_H
#define PLUGD_TRUST_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trust/trust_opts.h"
#include "trust/whitelist.h"

/* Borrows both. */
struct guard {
	const struct whitelist *whitelist; /* NULL: nothing may be asked */
	const struct trust_opts *opts;	   /* NULL: strict, without constraints */
};

/* What one file, or a script and its interpreter, may deviate in. */
#define GUARD_MAX_REMARKS 11 /* five rules, twice, and the libraries */

/* Deviations that the policy tolerates, in the words in which strict would have refused. */
struct guard_remarks {
	struct err rows[GUARD_MAX_REMARKS];
	size_t count;
};

/* May what deviates like that run all the same? 0 with a remark more, or -EACCES and *err, which
 * may be `deviation` itself. */
int guard_weigh(const struct guard *guard, const struct err *deviation,
		struct guard_remarks *remarks, struct err *err);

/* A file that is open, before it is read: its place, its size, its owners, and the first half of
 * the whitelist's decision. */
struct guard_question {
	struct whitelist_question who;
	uint64_t bytes;
	int place; /* the file as an O_PATH descriptor; -1: its owners are not looked at */
};

/* 0 and the entry (NULL when it may run without one), or -EACCES and *err. */
int guard_admit(const struct guard *guard, const struct guard_question *question,
		const struct whitelist_entry **entry_out, struct guard_remarks *remarks,
		struct err *err);

/* The second half, when its hash is known. `entry` as it came out of guard_admit(). */
int guard_check(const struct guard *guard, const struct whitelist_entry *entry,
		const struct digest *actual, struct guard_remarks *remarks, struct err *err);

#endif
