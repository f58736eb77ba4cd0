/* The directory that a route's files lie in, and the only way to one of them. Inside this room
 * only. */
#ifndef PLUGD_EDGE_STATIC_ROOT_H
#define PLUGD_EDGE_STATIC_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "edge/static_opts.h"

struct static_root {
	const struct static_opts *opts; /* borrows while it is open */
	int fd;				/* O_PATH: what the path led to when it was opened */
};

/* Opens the directory once, as the user that plugd is by then. 0, or -errno with *err
 * (ERR_STATIC_DIRECTORY). Borrows opts. */
int static_root_open(const struct static_opts *opts, struct static_root *out, struct err *err);
void static_root_close(struct static_root *root);

/* A regular file that is open for reading. */
struct static_file {
	int fd; /* the caller's from now on */
	uint64_t size;
	int64_t modified_s; /* since 1970 */
	long modified_ns;   /* behind that */
	uint64_t inode;
};

enum static_found {
	STATIC_FILE,
	STATIC_DIRECTORY,
	STATIC_NOTHING, /* also what is neither file nor directory */
	STATIC_ESCAPE,	/* a symbolic link leads out, or none is followed */
	STATIC_FAILED,	/* errno says why */
};

/* Looks for a name below the directory. *out is set for STATIC_FILE alone. */
enum static_found static_root_find(const struct static_root *root, const char *name,
				   struct static_file *out);

#endif
