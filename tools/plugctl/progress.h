/* Commands that take long: how far they are, as a bar on a terminal, as a line for each step
 * elsewhere, as one JSON object a line with --output json. */
#ifndef PLUGCTL_PROGRESS_H
#define PLUGCTL_PROGRESS_H

#include <jansson.h>

#include "subcommand.h"

/* Asks, and shows how far it is until the answer comes. Takes the request. 0 with *result_out
 * (returns owned), or -errno: it failed, and that was said. */
int progress_watch(const struct plugctl *plugctl, const char *command, json_t *request,
		   json_t **result_out);

#endif
