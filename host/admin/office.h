/* What the operator's office may look at, the rooms below it and a few facts that only the
 * composition root knows; and what it may ask the composition root to do. host.c fills it; commands
 * and views use it. */
#ifndef PLUGD_ADMIN_OFFICE_H
#define PLUGD_ADMIN_OFFICE_H

#include "base/loop.h"
#include "dispatch/canary.h"
#include "dispatch/dispatch.h"
#include "dispatch/target.h"
#include "edge/edge_opts.h"
#include "observe/log.h"
#include "plugin/crashes.h"
#include "plugin/swap.h"
#include "registry/service.h"
#include "trust/audit.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct office_facts {
	const char *const
		*listeners;   /* addresses as they are listened on; NULL-terminated; may be NULL */
	unsigned connections; /* of clients */
	bool is_ready;	      /* as /health/ready says it */
	bool has_dropped;     /* it was root, and is another user now */
	bool is_final;	      /* no_new_privs holds */
	const char *spawner;  /* "root" or "user" */
};

/* Which swap. */
struct swap_order {
	const char *executable;	   /* absolute; NULL: the configured one. Borrows until return */
	bool is_rollback;	   /* to the generation that served before */
	int64_t drain_timeout_ms;  /* of the old generation; -1: as configured */
	bool with_state;	   /* the old generation hands its state over */
	struct canary_opts canary; /* permille 0: none */
};

/* How a swap ended. */
struct swap_report {
	uint32_t generation; /* the new one */
	int64_t took_us;     /* until the old one had ended, or the new one was given up */
};

/* Who looks at a swap. on_end is the last, and comes once; `why` NULL: it is done. */
struct swap_viewer {
	void (*on_progress)(void *user, const struct swap_news *news);
	void (*on_end)(void *user, const struct err *why, const struct swap_report *report);
	void *user;
};

/* One difference between the configuration in force and the one on disk. */
struct reload_change {
	const char *apply;   /* "live", "plugin", "config", "swap", "listener", "restart" */
	const char *plugin;  /* NULL: it is not about a plugin */
	const char *setting; /* "plugins[users].instances" */
	const char *before;  /* NULL: there was none */
	const char *after;   /* NULL: there is none any more */
};

struct reload_news {
	const char *step; /* "start", "config" */
	unsigned done;	  /* of the plugins that have a part in the step */
	unsigned of;
};

struct reload_report {
	const struct reload_change *changes;
	size_t change_count;
	const struct err
		*obstacle; /* of a dry run: why it would be refused at once; NULL: nothing */
	int64_t took_us;
};

/* Who looks at a reload. on_end is the last, and comes once; `why` NULL: it is in force, or it was
 * a dry run. What it gets is valid until return. */
struct reload_viewer {
	void (*on_progress)(void *user, const struct reload_news *news);
	void (*on_end)(void *user, const struct err *why, const struct reload_report *report);
	void *user;
};

/* What another whitelist has done. */
struct pins_report {
	size_t entries;	   /* in the file */
	unsigned revoked;  /* plugins that ran, or could, and may not any more */
	unsigned restored; /* plugins that may again */
};

/* What the composition root does for an operator. `user` is the office's. */
struct office_ops {
	/* 0: the viewer hears of it, maybe before the return. Or -errno with *err: nothing was
	 * begun. */
	int (*swap)(void *user, struct target *target, const struct swap_order *order,
		    const struct swap_viewer *viewer, struct err *err);
	void (*leave_swap)(void *user, struct target *target); /* the viewer is gone */
	int (*abort_swap)(void *user, struct target *target, struct err *err);
	const char *(*get_swap_step)(void *user, const struct target *target); /* NULL: no swap */

	/* The same for a reload; a dry one only compares. */
	int (*reload)(void *user, bool is_dry, const struct reload_viewer *viewer, struct err *err);
	void (*leave_reload)(void *user);

	/* Reads the whitelist alone again. 0 and *report, or -errno with *err: the old one
	 * stays. */
	int (*reload_whitelist)(void *user, struct pins_report *report, struct err *err);
};

/* Borrows all of it, for as long as commands run. A reload changes targets and routes between two
 * commands: what lasts longer keeps a target only while its swap or its call lasts. */
struct office {
	struct loop *loop;
	const struct log *log;
	const char *version;
	int64_t started_ms; /* loop_now_ms() when the host started */
	struct dispatch *dispatch;
	const struct registry *registry;
	const struct crashes *crashes;
	struct audit *audit; /* NULL: nothing is recorded */
	struct target *const
		*targets; /* one for each configured plugin, in the order of the file */
	struct target *const *stand_ins; /* what stands in for each, or NULL; may be NULL */
	size_t target_count;
	const struct edge_opts *edge;
	void (*get_facts)(void *user, struct office_facts *out);
	const struct office_ops *ops;
	void *user;
};

/* NULL: no plugin is configured under this name. */
struct target *office_find_target(const struct office *office, const char *plugin);

#endif
