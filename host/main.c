/* plugd: flags, then configuration, then the host. Exit status 0 after a stop that was asked for, 1
 * when something is wrong, 2 for a command line that is none. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "files.h"
#include "host.h"
#include "options.h"
#include "plan.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char *choose_file(const struct options *options)
{
	const char *variable = getenv(CONFIG_FILE_VARIABLE);

	if (options->config_file)
		return options->config_file;
	return variable && variable[0] ? variable : CONFIG_DEFAULT_FILE;
}

static int check(const struct plan *plan, const char *file)
{
	if (files_check(&plan->config, stderr) < 0)
		return EXIT_FAILED;
	return printf("%s: no errors\n", file) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int load_and_run(const struct options *options)
{
	const struct plan_source source = {
		.file = choose_file(options),
		.overrides = {.environment = environ,
			      .flags = options->flags,
			      .flag_count = options->flag_count},
	};
	struct config_errors errors = {0};
	struct plan *plan = plan_load(&source, &errors);
	int status = EXIT_FAILED;

	if (!plan)
		config_errors_print(&errors, stderr);
	else if (options->action == OPTIONS_CHECK)
		status = check(plan, source.file);
	else
		status = host_run(plan, &source);
	config_errors_free(&errors);
	plan_release(plan);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int status = EXIT_DONE;

	if (options_parse(argc, argv, &options, &err) < 0) {
		fprintf(stderr, "plugd: %s\nplugd --help tells which flags there are.\n", err.text);
		options_free(&options);
		return EXIT_USAGE;
	}
	switch (options.action) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		break;
	case OPTIONS_VERSION:
		puts("plugd " PLUGD_VERSION);
		break;
	case OPTIONS_CHECK:
	case OPTIONS_RUN:
		status = load_and_run(&options);
		break;
	}
	options_free(&options);
	return status;
}
