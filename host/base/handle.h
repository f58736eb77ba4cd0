/* Handles for objects that somebody refers to across an asynchronous gap. A handle resolves to its
 * object while the object lives and to NULL ever after, because a slot that is used again has a new
 * generation. Not found means "it left" and is normal. Pure. */
#ifndef PLUGD_BASE_HANDLE_H
#define PLUGD_BASE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

/* generation << 32 | slot; never 0 for a live object. */
typedef uint64_t handle;

struct handle_slot;

/* Zeroed is a valid empty table. */
struct handle_table {
	struct handle_slot *slots;
	uint32_t cap;
	uint32_t free_head; /* slot + 1; 0: none */
	uint32_t live;
};

handle handle_add(struct handle_table *table, void *object);  /* object is not NULL */
void *handle_get(const struct handle_table *table, handle h); /* NULL: it left, or h is 0 */
void handle_remove(struct handle_table *table, handle h);     /* of a live object */
void handle_table_deinit(struct handle_table *table);

#endif
