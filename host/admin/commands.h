/* What an operator may ask of the host: one row each. Help and documentation are made from the
 * rows. */
#ifndef PLUGD_ADMIN_COMMANDS_H
#define PLUGD_ADMIN_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "admin/office.h"
#include "admin/reply.h"

#define COMMAND_MAX_ARGS 10

/* text; an integer from 0; true or false */
enum command_type { COMMAND_TEXT, COMMAND_COUNT, COMMAND_BOOL };

struct command_arg {
	const char *name; /* NULL ends the list */
	enum command_type type;
	bool is_required;
	const char *help;
};

struct command {
	const char *name;
	const char *help; /* one line */
	struct command_arg args[COMMAND_MAX_ARGS + 1];

	/* `args` has what the row asks for, and nothing else. */
	struct answered (*run)(struct office *office, const json_t *args, struct reply *reply);

	bool is_change; /* of what runs: it is recorded before it is done */
};

extern const struct command commands[];
extern const size_t command_count;

/* Finds the row, holds the arguments against it, runs it. `office` is a struct office. For
 * control_opts.on_request. */
struct answered commands_run(void *office, const char *name, json_t *args, struct reply *reply);

#endif
