/* The files of golden vectors, as make.py writes them. */
#ifndef PLUGD_TESTS_GOLDEN_H
#define PLUGD_TESTS_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

struct golden {
	char name[64];
	uint8_t *bytes; /* in memory of exactly this size */
	size_t len;
};

/* Calls `each` for every vector of `<kind>.txt`, in order; `vector` is valid until it returns.
 * Returns how many there were; ends the process with a sentence when the file is missing or
 * malformed. */
size_t golden_each(const char *kind, void (*each)(const struct golden *vector, void *user),
		   void *user);

/* The vector of that name. Returns owned: free(bytes). */
struct golden golden_find(const char *kind, const char *name);

#endif
