/* What is known of the walls around a plugin: asked for, enforced, or not available and why. */
#ifndef PLUGD_ADMIN_WALLS_H
#define PLUGD_ADMIN_WALLS_H

#include "admin/commands.h"

struct answered walls_explain(struct office *office, const json_t *args, struct reply *reply);

#endif
