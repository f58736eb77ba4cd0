/* The units of one configuration, in its order: the one in force, or one that was and under which
 * requests are still open. The last holder ends it, and with it the units that no other roster
 * has. Part of the composition root. */
#ifndef PLUGD_ROSTER_H
#define PLUGD_ROSTER_H

#include <stddef.h>

#include "dispatch/target.h"
#include "plan.h"
#include "unit.h"

struct identity;

struct roster {
	struct plan *plan; /* holds */
	struct unit **units;
	struct target **targets;   /* of the units */
	struct target **stand_ins; /* what stands in for each of these; NULL: nothing */
	size_t count;
	unsigned holders;
};

/* With room for a unit for each plugin of the plan. Holds the plan. Returns one with one holder. */
struct roster *roster_new(struct plan *plan);

/* Fills the next place. Holds the unit. */
void roster_add(struct roster *roster, struct unit *unit);

/* All are in: who stands in for whom is found out. */
void roster_complete(struct roster *roster);

/* Gives up one holder's part. NULL is fine. */
void roster_release(struct roster *roster);

/* NULL: it has none. */
struct unit *roster_find(const struct roster *roster, const char *plugin);
struct unit *roster_unit_of(const struct roster *roster, const struct target *target);

/* Routes to its units, which hold it until the last request under them is over. NULL with *err. */
struct edge_routes *roster_routes(struct roster *roster, struct identity *identity,
				  struct err *err);

#endif
