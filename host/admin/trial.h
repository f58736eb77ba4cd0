/* The operator calls a method: one request message, all that comes back, and how long it took. */
#ifndef PLUGD_ADMIN_TRIAL_H
#define PLUGD_ADMIN_TRIAL_H

#include <jansson.h>

#include "admin/office.h"
#include "admin/reply.h"

/* An answer longer than this is given up. */
#define TRIAL_MAX_ANSWER_BYTES ((size_t)16 << 20)

/* The command "call". Answers later: with the outcome, also when it is a bad one; an error is for a
 * call that could not be made. When the client leaves, the call is cancelled. */
struct answered trial_run(struct office *office, const json_t *args, struct reply *reply);

#endif
