/* What groups give their routes. Pure. */
#ifndef PLUGD_CONFIG_GROUPS_H
#define PLUGD_CONFIG_GROUPS_H

#include "config/fill.h"

/* After the file was read, before the checks: each route gets its group's prefix, and each setting
 * that it doesn't set itself, with the line where the group sets it. So whoever looks at routes,
 * the checks too, need not know of groups. */
void groups_apply(struct filling *filling);

/* Whether only calls of plugins obey the route's setting. */
bool setting_needs_plugin(enum setting_id id);

#endif
