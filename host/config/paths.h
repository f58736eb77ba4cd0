/* Where each path of a configuration was written, for what is found out about files only when they
 * are opened. Rooms say which of their options an error is about (err_about), by its pointer; they
 * know no lines. Inside this room; config.h has what others ask. */
#ifndef PLUGD_CONFIG_PATHS_H
#define PLUGD_CONFIG_PATHS_H

#include "config/problems.h"

/* `value` is in the configuration's arena. */
void paths_add(struct config *config, const char *value, const struct place *place);

#endif
