/* From the configuration in force to the one on disk, as a whole or not at all: loaded and checked,
 * compared, everything that may fail prepared beside what serves, then committed in one turn of the
 * loop. Part of the composition root. */
#ifndef PLUGD_RELOAD_H
#define PLUGD_RELOAD_H

#include <stdbool.h>

#include "access_log.h"
#include "admin/office.h"
#include "base/err.h"
#include "base/loop.h"
#include "net/listener.h"
#include "observe/log.h"
#include "plan.h"
#include "roster.h"
#include "unit.h"

struct identity;
struct reload;

/* What it works on. Borrows all of it while the reload lives. */
struct reload_site {
	struct loop *loop;
	struct log *log;
	struct unit_house *house;
	struct listener *listener;
	struct identity *identity;
	struct access_log *access_log;
	const struct plan_source *source;

	/* The one in force. */
	struct roster *(*get_roster)(void *user);

	/* This one is in force now (takes); edge, listener, whitelist and units obey it already. */
	void (*on_applied)(void *user, struct roster *roster);
	void *user;
};

struct reload *reload_new(const struct reload_site *site); /* returns owned */
void reload_free(struct reload *reload); /* gives up what is under way; NULL is fine */

/* Begins. 0: the viewer hears of it until its on_end, which may have come already; or -errno with
 * *err: another one is under way. */
int reload_begin(struct reload *reload, bool is_dry, const struct reload_viewer *viewer,
		 struct err *err);

/* The viewer has left: nothing is told any more, and the reload goes on. */
void reload_leave(struct reload *reload);

/* From now on a file that changes is one that is asked for; or no more. */
void reload_watch(struct reload *reload, bool watch);

/* Begins one that nobody watches: now, or when the one that is under way has ended. */
void reload_ask(struct reload *reload);

/* The host stops: gives up what is under way, and begins no other. */
void reload_stop(struct reload *reload);

#endif
