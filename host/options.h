/* The command line of plugd: what to do, and the settings that are given there. Pure but for
 * getopt. */
#ifndef PLUGD_OPTIONS_H
#define PLUGD_OPTIONS_H

#include <stdio.h>

#include "base/err.h"
#include "config/config.h"

enum options_action { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_VERSION, OPTIONS_HELP };

struct options {
	enum options_action action;
	const char *config_file; /* borrows from argv; NULL: not given */
	struct config_flag *flags;
	size_t flag_count;
	struct arena arena; /* owns the flags */
};

/* 0, or -EINVAL and *err for a command line that is none. The caller frees *out in either case. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
void options_free(struct options *options);

void options_print_help(FILE *out);

#endif
