/* Arguments of a command line, read by getopt_long() from rows, so that what is accepted and what
 * the help says are one thing. Pure but for getopt's own state. */
#ifndef PLUGCTL_ARGS_H
#define PLUGCTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARGS_MAX_GIVEN	 128
#define ARGS_MAX_OPTIONS 32

struct arg_option {
	const char *name;  /* without dashes; NULL ends a list */
	char letter;	   /* 0: none */
	const char *value; /* what stands for it in the help; NULL: it takes none */
	const char *help;
};

struct args {
	struct {
		const struct arg_option *option;
		const char *value;
	} given[ARGS_MAX_GIVEN];
	size_t given_count;
	char **operands; /* what is no option; NULL-terminated, in argv */
	int operand_count;
	char why[160]; /* of a failure: a sentence without a full stop */
};

/* Reads argv[1…]; argv[0] is skipped. Options are of either list (each may be NULL). `in_order`:
 * the first operand ends the options. Adds to what `args` holds already. False with args->why. */
bool args_parse(struct args *args, int argc, char **argv, const struct arg_option *own,
		const struct arg_option *global, bool in_order);

bool args_has(const struct args *args, const char *name);

/* The last one given; NULL: none. */
const char *args_value(const struct args *args, const char *name);

/* All of them, one by one: *at begins at 0. NULL: no more. */
const char *args_next(const struct args *args, const char *name, size_t *at);

/* "  -o, --output FORMAT  how the answer is written" for each row. */
void args_print_options(const struct arg_option *options, FILE *out);

#endif
