/* Which files the dynamic loader (glibc's) would load for a program, without running it or the
 * loader: `ld.so --list` runs the audit libraries that a program names, so it is no way to look at
 * a program that nobody vouches for yet. The loader itself is among them.
 *
 * Searched as ld.so does for a program that runs from sealed memory with an environment without
 * LD_…: RPATH (also of those that load it), RUNPATH, /etc/ld.so.cache, the usual directories;
 * /etc/ld.so.preload is heeded. Where it depends on the processor (glibc-hwcaps), all variants that
 * exist are told. What a program loads by itself later (dlopen: modules of Python, NSS) nobody can
 * tell. $ORIGIN of the program is "/", because sealed memory has no directory. */
#ifndef PLUGD_TRUST_LOADER_H
#define PLUGD_TRUST_LOADER_H

#include <stddef.h>

#include "base/err.h"

/* Real paths, each once. */
struct loader_files {
	char **paths; /* owned */
	size_t count;
};

/* Asked before a file is read: 0 to go on, or -errno and *err. `fd` is the file, open for
 * reading. */
typedef int loader_file_fn(void *user, const char *path, int fd, struct err *err);

/* Adds to *out what is loaded for the program in `fd` (its name in messages is `path`). `on_file`
 * may be NULL. 0, or -errno and *err: from on_file, or ERR_LIBRARY_UNKNOWN (a library is not found,
 * or the file asks for something that can't be followed). *out is for loader_files_deinit() either
 * way. */
int loader_list(int fd, const char *path, loader_file_fn *on_file, void *user,
		struct loader_files *out, struct err *err);
void loader_files_deinit(struct loader_files *files);

#endif
