/* Where the parts of a load put what they find wrong: one sentence each, with its place, so that
 * the operator sees everything at once. Pure. */
#ifndef PLUGD_CONFIG_PROBLEMS_H
#define PLUGD_CONFIG_PROBLEMS_H

#include "config/config.h"

/* Where a value was written. */
struct place {
	const char *where; /* the file's name, "environment", "command line" */
	unsigned line;	   /* in the file; 0: not known, or no file */
	const char *key;   /* "plugins[1].timeout"; "": the whole */
};

/* ":3", or "" where there is no line; in `out` of 16 bytes. */
const char *place_line(const struct place *place, char *out);

/* Adds "<where>:<line>: <key>: <sentence>". */
void problem_add(struct config_errors *errors, struct place place, int code, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* A sentence that names its place itself. */
void problem_add_placed(struct config_errors *errors, unsigned line, int code, const char *text);

/* How many so far, those that were only counted too. */
static inline size_t problems_found(const struct config_errors *errors)
{
	return errors->count + errors->more;
}

/* What comes now is only counted. */
static inline bool problems_are_full(const struct config_errors *errors)
{
	return errors->count == CONFIG_MAX_ERRORS;
}

/* By line; what has no line comes last; else in the order in which they were found. */
void problems_sort(struct config_errors *errors);

#endif
