/* The environment and the command line over the file: settings that exist once, by their names
 * there. Pure. */
#ifndef PLUGD_CONFIG_OVERRIDE_H
#define PLUGD_CONFIG_OVERRIDE_H

#include "config/fill.h"

/* Takes over each PLUGD_ variable; one that names no setting is an error. Lists are written with
 * commas. */
void override_environment(struct filling *filling, char *const *environment, const char *directory);

/* Takes over the flags: a list from all flags of its name, any other setting from the last one. */
void override_flags(struct filling *filling, const struct config_flag *flags, size_t count,
		    const char *directory);

#endif
