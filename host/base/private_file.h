/* A file that nobody else may read or change: keys, secrets. */
#ifndef PLUGD_BASE_PRIVATE_FILE_H
#define PLUGD_BASE_PRIVATE_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

/* The numbers of what may be wrong, chosen by the caller. */
struct private_file_codes {
	int missing; /* it can't be read */
	int unsafe;  /* others can read or change it */
	int size;
};

/* Reads all of it, 1 to `max_bytes`, into memory that is locked. 0 and *out, which the caller
 * frees; or -errno and *err, which names the file and never what is in it. It must be a regular
 * file of root or of this process's user, and neither writable for its group nor open to others in
 * any way. */
int private_file_read(const char *path, size_t max_bytes, const struct private_file_codes *codes,
		      struct secret *out, struct err *err);

#endif
