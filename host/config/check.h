/* What can only be said of several settings together: names that must be unique, names that must
 * exist, settings that contradict each other. Pure. */
#ifndef PLUGD_CONFIG_CHECK_H
#define PLUGD_CONFIG_CHECK_H

#include "config/fill.h"

/* After everything else. Values that were refused before are still unset and are passed over. */
void check_all(struct filling *filling);

#endif
