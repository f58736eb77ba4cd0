/* One generation of a plugin takes the place of another, without a gap: the new one is verified and
 * started beside the old, must be ready as a whole and say that it is well, may be tried with a
 * share of the calls or take over the old one's state; then every new call goes to it, and the old
 * one finishes what it has. Whatever fails before the switch ends the new one alone; the old one
 * has not stopped serving, or resumes.
 *
 * The swap decides when each step is over. What a step means to the rooms above (who is routed
 * where, who waits) is done by its ops; who owns the pools drains and frees them. */
#ifndef PLUGD_PLUGIN_SWAP_H
#define PLUGD_PLUGIN_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/pool.h"

/* Calls wait no longer than this for a state to be handed over. */
#define SWAP_HOLD_MS 2000

enum swap_step {
	SWAP_NEW,
	SWAP_START,	/* the executable is verified, the instances start and shake hands */
	SWAP_HAND_OVER, /* calls wait; the old generation's state goes to the new one */
	SWAP_WARM,	/* each new instance is asked how it is */
	SWAP_CANARY,	/* a share of the calls goes to the new generation */
	SWAP_PREPARED,	/* only swap_commit() is missing */
	SWAP_DRAIN,	/* the new generation serves; the old one finishes its calls */
	SWAP_DONE,
	SWAP_FAILED,
};

struct swap_news {
	enum swap_step step;
	unsigned done; /* of what the step counts: instances, or milliseconds of a canary */
	unsigned of;   /* 0: it counts nothing */
};

enum swap_verdict { SWAP_GOES_ON, SWAP_PASSES, SWAP_FAILS };

struct swap_ops {
	/* A step began, or got further. May be NULL. */
	void (*on_progress)(void *user, const struct swap_news *news);

	/* From now on no call is started, those that come wait; or they may go on. */
	void (*on_hold)(void *user, bool held);

	/* From now on the new generation gets its share of the calls; or no more. */
	void (*on_canary)(void *user, bool on);

	/* How the new generation does after so long; SWAP_FAILS with *err. */
	enum swap_verdict (*judge)(void *user, int64_t elapsed_ms, struct err *err);

	/* With `waits_for_commit`: swap_commit() or swap_abort() is awaited. */
	void (*on_prepared)(void *user);

	/* Asked before on_switch, but for a swap that waits for its commit. 0, or -errno with *err:
	 * the swap fails. May be NULL. */
	int (*may_switch)(void *user, struct err *err);

	/* From now on every new call goes to the new generation. The callee drains the old one. */
	void (*on_switch)(void *user);

	/* Last; the callee may swap_free() it. `why` NULL: done, the old generation has ended.
	 * Otherwise the switch has not happened, and the callee ends the new generation. */
	void (*on_end)(void *user, const struct err *why);
};

struct swap_opts {
	struct loop *loop;
	struct log *log;
	const char *plugin;    /* its name; borrows while the swap lives */
	struct pool *old;      /* borrows; NULL: there is none */
	struct pool *next;     /* borrows; not started; its instances wait if `with_state` */
	bool with_state;       /* for `next` waits, and `old` is there */
	bool waits_for_commit; /* and the old generation's end is not awaited */
	bool is_asked;	       /* instances are asked how they are before the switch */
	int64_t canary_ms;     /* 0: no canary */
	const struct swap_ops *ops;
	void *user;
};

struct swap;

struct swap *swap_new(const struct swap_opts *opts); /* returns owned */
void swap_free(struct swap *swap);		     /* at any time; NULL is fine */

/* Begins. All of it, the end too, may happen before this returns. */
void swap_start(struct swap *swap);

/* After on_prepared: switches. on_end has come on return. */
void swap_commit(struct swap *swap);

/* Before the switch: ends it with this reason. After it: does nothing, the switch stays. */
void swap_abort(struct swap *swap, const struct err *why);

/* News of the two pools, from their ops. Of others they are ignored. */
void swap_on_change(struct swap *swap, const struct pool *pool);
void swap_on_failure(struct swap *swap, const struct pool *pool, const struct err *why);
void swap_on_drained(struct swap *swap, const struct pool *pool);

enum swap_step swap_step(const struct swap *swap);
const char *swap_step_name(enum swap_step step);

#endif
