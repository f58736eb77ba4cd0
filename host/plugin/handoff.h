/* The state of one generation goes to the next, instance by instance: number i exports, and what
 * came is verified and imported by number i. All of them, or none that counts. */
#ifndef PLUGD_PLUGIN_HANDOFF_H
#define PLUGD_PLUGIN_HANDOFF_H

#include "base/err.h"
#include "plugin/pool.h"

struct handoff;

/* Once: `why` NULL means that every instance has taken its state. Not inside handoff_start(). */
typedef void handoff_done_fn(void *user, const struct err *why);

struct handoff_opts {
	struct pool *old;  /* borrows; all its instances are ready and have no open call */
	struct pool *next; /* borrows; all its instances wait */
	handoff_done_fn *on_done;
	void *user;
};

/* Whether the two can do that at all. 0, or -EINVAL with *err of ERR_PLUGIN_STATE. */
int handoff_check(const struct pool *old, const struct pool *next, struct err *err);

/* Begins; what handoff_check() has found good. Returns owned. */
struct handoff *handoff_start(const struct handoff_opts *opts);

/* Gives it up, if it isn't done: on_done does not come. The pools are not needed after it. NULL is
 * fine. */
void handoff_abandon(struct handoff *handoff);
void handoff_free(struct handoff *handoff); /* of one that is done or abandoned; NULL is fine */

#endif
