/* What the files of a unit share: unit.c (its generations, its swaps), unit_change.c (its part of
 * a reload), unit_end.c (how it ends), unit_death.c (how its processes end),
 * unit_revoke.c (what may not run any more). Nobody else includes
 * it. */
#ifndef PLUGD_UNIT_PRIVATE_H
#define PLUGD_UNIT_PRIVATE_H

#include <sys/queue.h>

#include "dispatch/canary.h"
#include "plan.h"
#include "plugin/pool.h"
#include "plugin/swap.h"
#include "unit.h"

struct generation {
	struct unit *unit;
	/* Hold the texts: of all settings as it began, of those that are live now, and of its own
	 * configuration now. */
	struct plan *born;
	struct plan *live;
	struct plan *config;
	struct plugin_opts opts;
	char *executable; /* in place of the configured one; NULL: none; owned */
	struct pool *pool;
	LIST_ENTRY(generation) link; /* of those that drain */
};

/* What a rollback needs: the very bytes that ran. */
struct previous {
	struct plan *born; /* as in a generation */
	struct plan *live;
	struct plan *config;
	struct plugin_opts opts;
	char *executable;	  /* owned */
	struct exec_image *image; /* holds; NULL: there is no previous generation */
};

struct unit {
	struct unit_house *house;
	struct plan *plan;		  /* holds */
	const struct plugin_opts *plugin; /* as configured: of the plan */
	unsigned holders;
	LIST_ENTRY(unit) link; /* of the house */
	struct target target;
	struct generation *serving; /* NULL: disabled */
	struct generation *next;    /* NULL: no swap is under way, or it has switched */
	LIST_HEAD(, generation) draining;
	struct previous previous;
	struct swap *swap; /* NULL: none is under way */
	struct canary canary;
	struct swap_viewer viewer;
	uint32_t swap_generation; /* of the next, which may be gone before the swap is over */
	int64_t swap_began_us;
	int64_t swap_drain_ms;
	uint64_t restarts_before;  /* of generations that are gone */
	struct unit_change change; /* that is prepared; plan NULL: none is */
	struct loop_timer leave;   /* until nobody may use it any more */
	bool awaits_successor;	   /* who serves is revoked, and a swap may replace it */
	bool is_leaving;	   /* a reload has left it out */
	bool is_draining;	   /* all of it */
	bool is_retired;	   /* it is freed when this turn ends */
};

struct generation_setup {
	struct plan *born;
	struct plan *live;
	struct plan *config;
	const struct plugin_opts *opts; /* whose texts they have */
	const char *executable;		/* in place of theirs; NULL: theirs */
	const struct guard *guard;	/* NULL: the one in force */
	struct exec_image *image;	/* holds; NULL: that of the executable is loaded */
	bool may_sleep;			/* as pool_opts */
	bool waits;
};

/* It gets no new calls from here on. */
void generation_drain(struct generation *generation, int64_t grace_ms);
void generation_free(void *generation);
void unit_forget_previous(struct unit *unit);

/* unit_end.c: a process has ended, or a holder has gone. */
void unit_end_if_over(struct unit *unit);
void unit_leave_init(struct unit *unit);

/* unit_revoke.c: may the bytes run, by the whitelist in force? 0, or -errno with *err. */
int unit_check_image(const struct unit *unit, const struct exec_image *image, struct err *err);

/* The swap that could have replaced who is revoked is over. */
void unit_judge_again(struct unit *unit);

/* unit_death.c: a process has ended; `failed`: it should not have, or not like that. */
void unit_on_death(struct unit *unit, const struct instance *instance, const struct err *why,
		   bool failed);

/* A generation with its processes is gone: its restarts are kept. */
void unit_keep_restarts(struct unit *unit, const struct generation *generation);

/* Begins to swap to a generation that is set up so. `waits_for_commit` as in swap_opts. */
void unit_begin_swap(struct unit *unit, const struct generation_setup *setup,
		     const struct swap_order *order, bool waits_for_commit);

#endif
