/* What the next generation of a plugin must still offer: the methods that somebody uses, called as
 * before. Collects every difference, so that an author can mend all of them at once. Pure. */
#ifndef PLUGD_PLUGIN_DRIFT_H
#define PLUGD_PLUGIN_DRIFT_H

#include "base/err.h"
#include "base/str.h"
#include "plugin/manifest.h"

struct drift {
	const struct manifest *old;  /* borrows */
	const struct manifest *next; /* borrows */
	unsigned differences;
	char text[400]; /* the first of them, as far as there is room */
	size_t len;
};

void drift_init(struct drift *drift, const struct manifest *old, const struct manifest *next);

/* Somebody uses this method. What the old generation does not offer either is no difference. */
void drift_check(struct drift *drift, struct str service, struct str method);
void drift_check_all(struct drift *drift); /* every method of the old one */

/* 0, or -EINVAL with *err of ERR_SWAP_DRIFT: what is different. */
int drift_result(const struct drift *drift, struct err *err);

#endif
