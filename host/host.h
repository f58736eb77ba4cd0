/* The composition root: builds the rooms from the ground up, wires their news upwards, and stops
 * them from the top down. */
#ifndef PLUGD_HOST_H
#define PLUGD_HOST_H

#include "config/config.h"

/* Runs the host until a signal ends it (SIGINT or SIGTERM: gracefully; a second one: at once).
 * Returns the exit status: 0 after a stop that was asked for, 1 when it could not start. Borrows
 * config. */
int host_run(const struct config *config);

#endif
