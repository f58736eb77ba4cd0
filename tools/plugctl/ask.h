/* One question to the host and its answer, for the subcommands that need no more. */
#ifndef PLUGCTL_ASK_H
#define PLUGCTL_ASK_H

#include "subcommand.h"

typedef void ask_print_fn(const json_t *result);

/* Asks, and prints the answer: by `print`, or as it is with --output json; or the error. Takes
 * args. */
enum exit_status ask_and_show(const struct plugctl *plugctl, const char *command, json_t *args,
			      ask_print_fn *print);

/* Asks. Takes args. Returns owned; NULL: the error has been printed. */
json_t *ask_for(const struct plugctl *plugctl, const char *command, json_t *args);

/* The optional operand: a plugin's name, as arguments of a command. Returns owned, or NULL. */
json_t *ask_plugin(const struct args *args);

#endif
