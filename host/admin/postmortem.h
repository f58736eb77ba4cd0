/* The commands that look back: what crashed, and which requests are kept away because they make a
 * plugin crash. */
#ifndef PLUGD_ADMIN_POSTMORTEM_H
#define PLUGD_ADMIN_POSTMORTEM_H

#include <jansson.h>

#include "admin/office.h"
#include "admin/reply.h"

/* A line for each crash that is kept, the newest first; or, with an id, all of that one. */
struct answered postmortem_crashes(struct office *office, const json_t *args, struct reply *reply);

/* The requests that are refused because the plugin died of them, and those that are suspected. */
struct answered postmortem_quarantine(struct office *office, const json_t *args,
				      struct reply *reply);

/* Lets one of them, or all of a plugin or of the host, pass again. */
struct answered postmortem_release(struct office *office, const json_t *args, struct reply *reply);

#endif
