/* Tables of files and what is said about them: with each, nothing is wrong, or exactly these errors
 * are told, in this order. */
#ifndef PLUGD_TESTS_CONFIG_ROWS_H
#define PLUGD_TESTS_CONFIG_ROWS_H

#include <stddef.h>

struct config_expected {
	unsigned line;
	int code;
	const char *says; /* a part of the text */
};

struct config_row {
	const char *name;
	const char *yaml;
	struct config_expected errors[12];
};

/* Lines 1 to 3 of a file with a plugin. */
#define PLUGIN "whitelist: {file: w}\nplugins:\n- {name: echo, executable: e}\n"

/* A test for each row. Returns what main() does. */
int config_rows_run(const char *group, const struct config_row *rows, size_t count);

#endif
