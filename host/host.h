/* The composition root: builds the rooms from the ground up, wires their news upwards, and stops
 * them from the top down. */
#ifndef PLUGD_HOST_H
#define PLUGD_HOST_H

#include "plan.h"

/* Runs the host until a signal ends it (SIGINT or SIGTERM: gracefully; a second one: at once).
 * Returns the exit status: 0 after a stop that was asked for, 1 when it could not start. Holds
 * the plan as long as it is in force; SIGHUP and plugctl take another from the source, which is
 * borrowed. */
int host_run(struct plan *plan, const struct plan_source *source);

#endif
