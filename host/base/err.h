/* An error that a human will read: a stable number (observe/errors.def lists them) and a sentence.
 * Pure. */
#ifndef PLUGD_BASE_ERR_H
#define PLUGD_BASE_ERR_H

#include <stddef.h>

struct err {
	int code; /* 0: none */
	char text[480];
	const char *about; /* the option that it is about; NULL: not known. Compared, never read */
};

/* Fills *err (which may be NULL) and returns -EINVAL, or the negative errno of err_set_errno(); so
 * that `return err_set(err, CODE, "…", …);` fails with it. A text that is too long ends in "…". */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), with ": <strerror(errnum)>" at the end. Returns -errnum. */
int err_set_errno(struct err *err, int code, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Says which option it is about, by its value: whoever knows where that was written can tell. */
void err_about(struct err *err, const char *option);

/* Puts "<prefix>: " in front of a text that is already there. */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
