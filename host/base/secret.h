/* Memory for what nobody else may read: it is kept out of swap and core dumps, and zeroed before it
 * is given back. */
#ifndef PLUGD_BASE_SECRET_H
#define PLUGD_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is an empty one that owns nothing. */
struct secret {
	uint8_t *data;	/* of pages that nothing else is in */
	size_t len;	/* as it was asked for */
	bool is_locked; /* it never reaches swap; else the limit on locked memory was reached */
};

/* From now on this process dumps no core, and no other process of its user may look into it. */
void secret_forbid_dumps(void);

/* Zeroed memory of `len` bytes, at least one. Ends the process when there is none, as mem_alloc()
 * does. */
struct secret secret_alloc(size_t len);

/* Zeroes it and gives it back; leaves an empty one. An empty one is fine. */
void secret_free(struct secret *secret);

#endif
