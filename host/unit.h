/* One configured plugin as the host runs it: the generation that serves, the one that may follow
 * it, those that still drain, and the one before, which a rollback brings back. It fills a target
 * for dispatch and keeps the registry true to who serves. Part of the composition root. */
#ifndef PLUGD_UNIT_H
#define PLUGD_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "admin/office.h"
#include "base/err.h"
#include "base/loop.h"
#include "dispatch/target.h"
#include "edge/edge.h"
#include "host_service.h"
#include "ledger.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "pins.h"
#include "plan.h"
#include "plugin/plugin_opts.h"
#include "registry/service.h"
#include "trust/guard.h"

struct unit;

LIST_HEAD(unit_list, unit);

/* What all units share. Borrowed while units live. */
struct unit_house {
	struct loop *loop;
	struct log *log;
	struct audit *audit;	 /* NULL: nothing is recorded */
	struct metrics *metrics; /* NULL: nothing is counted */
	struct spawner *spawner;
	struct control_groups *groups; /* NULL: none were given to plugd */
	struct dispatch *dispatch;
	struct registry *registry;
	struct host_service *service;
	struct crashes *crashes;
	struct edge *edge;	/* knows which methods routes use; NULL until it is there */
	struct pins *pins;	/* the whitelist in force */
	struct unit_list units; /* all that there are */
	struct ledger ledger;

	/* A unit that drains has no process left. */
	void (*on_drained)(void *user);
	void *user;
};

/* For a plugin of this plan, which it holds. Returns one without a holder; the last who releases it
 * ends it. */
struct unit *unit_new(struct unit_house *house, struct plan *plan,
		      const struct plugin_opts *plugin);

struct unit *unit_hold(struct unit *unit); /* returns it */

/* Nobody is left who could call it: it finishes what it has within its drain_timeout, and is
 * freed. */
void unit_release(struct unit *unit);

/* It is not configured any more: its services are free for others. It serves on whoever came
 * before, for its drain_timeout at most. */
void unit_leave(struct unit *unit);

struct target *unit_target(struct unit *unit);

/* Processes that were started in place of one that had ended, in all its generations. */
uint64_t unit_restarts(const struct unit *unit);
const char *unit_name(const struct unit *unit);

/* Starts the first generation. A plugin that may not run or can't is logged and left out. */
void unit_start(struct unit *unit);

/* The same after a reload: if its executable could not be loaded, perhaps it can be now. */
void unit_start_again(struct unit *unit);

bool unit_is_drained(const struct unit *unit);

/* All of the house, also those that no roster has any more: no new calls, no new processes; swaps
 * that are under way are given up. house->on_drained follows for each, also when nothing runs. */
void units_drain(struct unit_house *house, int64_t longest_ms);
bool units_are_drained(const struct unit_house *house);

/* Ends all their processes at once, whoever holds them. */
void units_free(struct unit_house *house);

/* Another whitelist, or other rules, are in force: everything that runs or could is judged by them,
 * and obeys. Adds to the report's revoked and restored. */
void units_judge(struct unit_house *house, struct pins_report *report);

/* Begins a swap. 0: `viewer` hears of it until its on_end, which may have come already; or -errno
 * with *err: nothing was begun. */
int unit_swap(struct unit *unit, const struct swap_order *order, const struct swap_viewer *viewer,
	      struct err *err);

/* The viewer has left: nothing is told any more, and the swap goes on. */
void unit_leave_swap(struct unit *unit);

/* Gives up a swap that has not switched yet. 0, or -errno with *err. */
int unit_abort_swap(struct unit *unit, struct err *err);

/* Of the swap that is under way; NULL: none is. */
const char *unit_swap_step(const struct unit *unit);

/* ---- its part of a reload: prepared, and then committed or dropped ---- */

enum unit_change_kind {
	UNIT_TAKES, /* what runs obeys other options */
	UNIT_ASKS,  /* the same, and its instances are asked to take another configuration */
	UNIT_SWAPS, /* another generation is started, also a first one */
};

struct unit_change {
	enum unit_change_kind kind;
	struct plan *plan;		  /* holds until it is committed or dropped */
	const struct plugin_opts *plugin; /* of the plan */
	const struct edge_routes *routes; /* that come into force with it; borrows as long */
	const struct guard *guard;	  /* borrows until return */

	/* It can be committed (`why` NULL); or, also after that, it can't. */
	void (*on_prepared)(void *user, struct unit *unit, const struct err *why);
	void *user;
};

/* NULL, or what is under way that a change would disturb. */
const char *unit_busy_with(const struct unit *unit);

/* Its instances can be asked; else a new configuration takes a swap. */
bool unit_can_be_asked(const struct unit *unit);

/* Begins; on_prepared follows, maybe before this returns. Only when it isn't busy. */
void unit_prepare(struct unit *unit, const struct unit_change *change);
void unit_commit(struct unit *unit);
void unit_drop_change(struct unit *unit); /* none is fine */

/* What it will provide when the change is committed; NULL: not known. */
const struct manifest *unit_next_manifest(const struct unit *unit);

/* Inside the unit: the change got further, or failed. */
void unit_change_progress(struct unit *unit, const struct err *why);

#endif
