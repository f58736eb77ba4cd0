/* The stable numbers of the errors that operators and authors see. errors.def is the one table:
 * docs/ERRORS.md is generated from it. Pure. */
#ifndef PLUGD_OBSERVE_ERRORS_H
#define PLUGD_OBSERVE_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

enum err_code {
	ERR_NONE = 0,
#define ERROR_CODE(name, number, what, remedy) ERR_##name = (number),
#include "observe/errors.def"
#undef ERROR_CODE
};

struct error_row {
	const char *name;
	int number;
	const char *what;   /* a sentence without a full stop: what happened */
	const char *remedy; /* what the reader can do */
};

/* Rows in ascending order of their numbers. */
extern const struct error_row error_rows[];
extern const size_t error_row_count;

/* NULL for a number that isn't in the table. */
const struct error_row *error_find(int number);

/* Of the range of those with which a plugin breaks the protocol. */
bool error_is_protocol(int number);

#endif
