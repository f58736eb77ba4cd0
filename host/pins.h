/* The whitelist in force with the rules around it, and the file that it comes from. It changes as a
 * whole or not at all: by a reload of the configuration, or alone: when an operator asks, when the
 * file changes, before a swap. Part of the composition root. */
#ifndef PLUGD_PINS_H
#define PLUGD_PINS_H

#include "admin/office.h"
#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plan.h"
#include "trust/audit.h"
#include "trust/guard.h"

struct pins;

/* Who has to obey another whitelist, or other rules: judges what runs by pins_guard(). */
struct pins_upcalls {
	void (*judge)(void *user, struct pins_report *report);
	void *user;
};

/* `audit` may be NULL. */
struct pins *pins_new(struct loop *loop, struct log *log, struct audit *audit,
		      const struct pins_upcalls *upcalls);
void pins_free(struct pins *pins); /* NULL is fine */

/* Valid until the next change; its members are NULL before the first pins_commit(). */
const struct guard *pins_guard(const struct pins *pins);

/* ---- with a configuration ---- */

/* What a plan asks for, loaded and not in force yet. Zeroed: nothing. */
struct pins_next {
	struct plan *plan; /* holds */
	struct whitelist *whitelist;
	struct guard guard; /* of both */
	unsigned edition;   /* of what was in force then */
};

/* 0, or -errno with *err: the first of the whitelist's problems, which are all in the log. */
int pins_prepare(struct pins *pins, struct plan *plan, struct pins_next *next, struct err *err);
void pins_drop(struct pins_next *next); /* nothing is fine */

/* Records that it comes into force. 0, or -errno with *err: it may not. */
int pins_record(struct pins *pins, const struct pins_next *next, struct err *err);

/* It is in force now; what runs is not judged by it yet. Leaves *next empty. */
void pins_commit(struct pins *pins, struct pins_next *next);

/* What runs is judged by what is in force. */
void pins_judge(struct pins *pins);

/* ---- alone ---- */

/* Reads the file in force again, and judges what runs. 0 and *report, or -errno with *err: then the
 * old whitelist stays. */
int pins_reload(struct pins *pins, struct pins_report *report, struct err *err);

/* The same for somebody who calls pins_judge() later. */
int pins_renew(struct pins *pins, struct err *err);

#endif
