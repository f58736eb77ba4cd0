/* A configuration with everybody who still uses a text of it: the roster that is in force or was,
 * generations of plugins. Freed with the last. Part of the composition root. */
#ifndef PLUGD_PLAN_H
#define PLUGD_PLAN_H

#include "config/config.h"

struct plan {
	struct config config;
	unsigned holders;
};

/* Where configurations come from, at the start and at every reload. */
struct plan_source {
	const char *file;
	struct config_overrides overrides;
};

/* As config_load(), *errors too. Returns one with one holder; NULL: it has errors. */
struct plan *plan_load(const struct plan_source *source, struct config_errors *errors);

struct plan *plan_hold(struct plan *plan); /* returns it */
void plan_release(struct plan *plan);	   /* the last one frees; NULL is fine */

#endif
