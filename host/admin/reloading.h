/* The command "reload": the configuration on disk takes the place of the one in force. */
#ifndef PLUGD_ADMIN_RELOADING_H
#define PLUGD_ADMIN_RELOADING_H

#include <jansson.h>

#include "admin/office.h"
#include "admin/reply.h"

/* Tells how far it is; an operator who leaves does not stop it. Answers with what has changed, or
 * with why nothing has. */
struct answered reloading_run(struct office *office, const json_t *args, struct reply *reply);

#endif
