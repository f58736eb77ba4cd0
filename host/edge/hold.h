/* Requests that wait for a plugin that has never run: what their route leads to is not known yet.
 * The plugin's queue settings bound how many wait, and for how long. */
#ifndef PLUGD_EDGE_HOLD_H
#define PLUGD_EDGE_HOLD_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "edge/exchange.h"

struct hold {
	struct exchange *exchange;
	struct loop_timer timer;
	bool is_late; /* when it fires the request's time is over, not only the wait */
	TAILQ_ENTRY(hold) link;
};

struct holds {
	TAILQ_HEAD(, hold) list;
	struct loop_flush retry;
	void (*lead)(struct exchange *exchange); /* tries again */
};

/* `lead` gets an exchange whose plugin is ready now, or will not be. */
void holds_init(struct holds *holds, struct loop *loop, void (*lead)(struct exchange *exchange));

/* Wakes the exchange's plugin and waits for it; `lead` follows, or the exchange goes to its
 * stand-in or fails when its time is over. False: there is nothing to wait for, or no room to
 * wait. */
bool hold_begin(struct exchange *exchange);
void hold_end(struct exchange *exchange); /* not held is fine */

/* Some plugin's instances have come or gone: those who wait are looked at when this turn ends. */
void holds_on_change(struct holds *holds, struct loop *loop);

#endif
