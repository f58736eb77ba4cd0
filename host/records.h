/* What the composition root has recorded in the audit trail: one function for each kind of event,
 * so that who does it need not know how it is told. With the trail NULL each does nothing.
 *
 * Those that return int are asked before the thing happens: 0, or -errno with *err: it may not. The
 * others tell what has happened. Part of the composition root. */
#ifndef PLUGD_RECORDS_H
#define PLUGD_RECORDS_H

#include "admin/office.h"
#include "config/diff.h"
#include "plugin/pool.h"
#include "rights.h"
#include "trust/audit.h"
#include "trust/whitelist.h"
#include "trust/whitelist_signed.h"

int records_host_start(struct audit *audit, const char *version, const char *config_file,
		       struct err *err);
/* Nothing, if none were given up. */
void records_rights(struct audit *audit, const struct rights *rights);

void records_host_stop(struct audit *audit, int signum);

/* `next` takes the place of `now`; nothing is recorded where both have the same text. Each may be
 * NULL. */
int records_whitelist(struct audit *audit, const struct whitelist *now,
		      const struct whitelist *next, const char *file, struct err *err);

/* `seal` NULL: the list was refused for its signature, as `why` says. */
void records_signature(struct audit *audit, const char *file, const struct whitelist_seal *seal,
		       const struct err *why);

void records_revoked(struct audit *audit, const char *plugin, uint32_t generation,
		     const char *action, const struct err *why);
void records_shortfall(struct audit *audit, const char *plugin, uint32_t generation,
		       const char *missing);

/* A process of this generation, in the place of that number. */
int records_start(struct audit *audit, const char *plugin, const struct pool *pool, unsigned number,
		  struct err *err);
void records_end(struct audit *audit, const char *plugin, const struct instance *instance,
		 const struct err *why, bool failed);
void records_refused(struct audit *audit, const struct plugin_opts *plugin, const struct err *why);

/* `order` NULL: for a reload. */
int records_swap_begin(struct audit *audit, const char *plugin, const struct swap_order *order,
		       struct err *err);
int records_swap_switch(struct audit *audit, const char *plugin, const struct pool *next,
			struct err *err);

/* `why` NULL: it is done. */
void records_swap_end(struct audit *audit, const char *plugin, uint32_t generation,
		      const struct err *why);

int records_reload(struct audit *audit, const struct diff *diff, struct err *err);
void records_reload_refused(struct audit *audit, const struct err *why);

void records_stranger(struct audit *audit, const struct audit_actor *actor);

#endif
