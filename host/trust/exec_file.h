/* One file of an image: from a path to sealed bytes. Only exec.c includes it. */
#ifndef PLUGD_TRUST_EXEC_FILE_H
#define PLUGD_TRUST_EXEC_FILE_H

#include "trust/exec.h"

/* Who asks for the file. */
struct exec_wish {
	const struct guard *guard;     /* NULL: whatever it is */
	const char *plugin;	       /* NULL: as an interpreter */
	struct guard_remarks *remarks; /* with a guard: what it tolerated is added */
};

/* A file that holds nothing. */
#define EXEC_FILE_NONE ((struct exec_file){.fd = -1})

/* Fills *file, which holds nothing before; what it holds after a failure too is for
 * exec_file_deinit(). 0, or -errno and *err with ERR_WHITELIST_* or ERR_EXECUTABLE_REFUSED. */
int exec_file_load(const char *path, const struct exec_wish *wish, struct exec_file *file,
		   struct err *err);
void exec_file_deinit(struct exec_file *file);

/* *err says '<path>' <why>. Returns -EACCES. */
int exec_file_refuse(struct err *err, const char *path, const char *why);

#endif
