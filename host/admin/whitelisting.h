/* The command that reads the whitelist again. */
#ifndef PLUGD_ADMIN_WHITELISTING_H
#define PLUGD_ADMIN_WHITELISTING_H

#include <jansson.h>

#include "admin/office.h"
#include "admin/reply.h"

/* As a command's run(). */
struct answered whitelisting_reload(struct office *office, const json_t *args, struct reply *reply);

#endif
