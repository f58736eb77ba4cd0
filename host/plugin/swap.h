/* One generation of a plugin takes the place of another, without a gap: the new one is verified and
 * started beside the old, must be ready as a whole, then every new call goes to it, and the old one
 * finishes what it has. Whatever fails before the switch ends the new one alone; the old one has
 * not stopped serving.
 *
 * The swap decides when each step is over. What a step means to the rooms above (who is routed
 * where) is done by its ops; who owns the pools drains and frees them. */
#ifndef PLUGD_PLUGIN_SWAP_H
#define PLUGD_PLUGIN_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/pool.h"

enum swap_step {
	SWAP_NEW,
	SWAP_START, /* the executable is verified, the instances start and shake hands */
	SWAP_DRAIN, /* the new generation serves; the old one finishes its calls */
	SWAP_DONE,
	SWAP_FAILED,
};

struct swap_news {
	enum swap_step step;
	unsigned done; /* of what the step counts: instances that are ready, or have ended */
	unsigned of;   /* 0: it counts nothing */
};

struct swap_ops {
	/* A step began, or got further. May be NULL. */
	void (*on_progress)(void *user, const struct swap_news *news);

	/* From now on every new call goes to the new generation. The callee drains the old one. */
	void (*on_switch)(void *user);

	/* Last; the callee may swap_free() it. `why` NULL: done, the old generation has ended.
	 * Otherwise the switch has not happened, and the callee ends the new generation. */
	void (*on_end)(void *user, const struct err *why);
};

struct swap_opts {
	struct log *log;
	const char *plugin;	/* its name; borrows while the swap lives */
	const struct pool *old; /* borrows; NULL: there is none */
	struct pool *next;	/* borrows; not started */
	const struct swap_ops *ops;
	void *user;
};

struct swap;

struct swap *swap_new(const struct swap_opts *opts); /* returns owned */
void swap_free(struct swap *swap);		     /* at any time; NULL is fine */

/* Begins. All of it, the end too, may happen before this returns. */
void swap_start(struct swap *swap);

/* Before the switch: ends it with this reason. After it: does nothing, the switch stays. */
void swap_abort(struct swap *swap, const struct err *why);

/* News of the two pools, from their ops. Of others they are ignored. */
void swap_on_change(struct swap *swap, const struct pool *pool);
void swap_on_failure(struct swap *swap, const struct pool *pool, const struct err *why);
void swap_on_drained(struct swap *swap, const struct pool *pool);

enum swap_step swap_step(const struct swap *swap);
const char *swap_step_name(enum swap_step step);

#endif
