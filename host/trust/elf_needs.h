/* What an ELF file asks the dynamic loader for. Read from what the loader reads, the program
 * headers and the dynamic section, never from section headers, which may say something else.
 * Nothing is executed. */
#ifndef PLUGD_TRUST_ELF_NEEDS_H
#define PLUGD_TRUST_ELF_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct elf_needs {
	bool is_elf;
	int machine;	 /* EM_… */
	int bits;	 /* 32 or 64 */
	char *loader;	 /* the file that the kernel starts in front of it; NULL: none; owned */
	char **needed;	 /* names of libraries, NULL-terminated; owned */
	char *rpath;	 /* NULL: none; owned; heeded only without a runpath */
	char *runpath;	 /* NULL: none; owned */
	bool no_default; /* the usual directories are not searched */
	const char *odd; /* a tag that loads more than what is needed; NULL: none */
};

/* Fills *out, which elf_needs_deinit() empties after a failure too. A file that is no ELF has no
 * needs. 0, or -errno and *err with ERR_LIBRARY_UNKNOWN. */
int elf_needs_read(int fd, const char *path, struct elf_needs *out, struct err *err);
void elf_needs_deinit(struct elf_needs *needs);

#endif
