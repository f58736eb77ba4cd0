/* The commands that replace a running plugin: "swap", "rollback" and "abort". Long ones tell how
 * far they are; an operator who leaves does not stop them. */
#ifndef PLUGD_ADMIN_ROLLOUT_H
#define PLUGD_ADMIN_ROLLOUT_H

#include <jansson.h>

#include "admin/office.h"
#include "admin/reply.h"

struct answered rollout_swap(struct office *office, const json_t *args, struct reply *reply);
struct answered rollout_back(struct office *office, const json_t *args, struct reply *reply);
struct answered rollout_abort(struct office *office, const json_t *args, struct reply *reply);

#endif
