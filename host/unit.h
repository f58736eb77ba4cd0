/* One configured plugin as the host runs it: the generation that serves, the one that may follow
 * it, those that still drain, and the one before, which a rollback brings back. It fills a target
 * for dispatch and keeps the registry true to who serves. Part of the composition root. */
#ifndef PLUGD_UNIT_H
#define PLUGD_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/office.h"
#include "base/err.h"
#include "base/loop.h"
#include "dispatch/target.h"
#include "edge/edge.h"
#include "host_service.h"
#include "observe/log.h"
#include "plugin/plugin_opts.h"
#include "registry/service.h"
#include "trust/whitelist.h"

struct unit;

/* What all units share. Borrowed while units live. */
struct unit_house {
	struct loop *loop;
	struct log *log;
	struct spawner *spawner;
	struct dispatch *dispatch;
	struct registry *registry;
	struct host_service *service;
	struct edge *edge;	     /* knows which methods routes use; NULL until it is there */
	struct whitelist *whitelist; /* the one in force */

	/* A unit that drains has no process left. */
	void (*on_drained)(void *user);
	void *user;
};

/* Borrows `plugin`, whose texts must stay as long as the unit. Returns owned. */
struct unit *unit_new(struct unit_house *house, const struct plugin_opts *plugin);

/* Ends all its processes at once. NULL is fine. */
void unit_free(struct unit *unit);

struct target *unit_target(struct unit *unit);

/* Starts the first generation. A plugin that may not run or can't is logged and left out. */
void unit_start(struct unit *unit);

/* No new calls, no new processes; a swap that is under way is given up. house->on_drained follows,
 * also when nothing runs. */
void unit_drain(struct unit *unit, int64_t longest_ms);
bool unit_is_drained(const struct unit *unit);

/* Begins a swap. 0: `viewer` hears of it until its on_end, which may have come already; or -errno
 * with *err: nothing was begun. */
int unit_swap(struct unit *unit, const struct swap_order *order, const struct swap_viewer *viewer,
	      struct err *err);

/* The viewer has left: nothing is told any more, and the swap goes on. */
void unit_leave_swap(struct unit *unit);

/* Gives up a swap that has not switched yet. 0, or -errno with *err. */
int unit_abort_swap(struct unit *unit, struct err *err);

#endif
