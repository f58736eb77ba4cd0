/* Memory for everything that lives as long as one exchange (or one load of a file): allocated piece
 * by piece, freed at once. Pure. */
#ifndef PLUGD_BASE_ARENA_H
#define PLUGD_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;

/* Zeroed is a valid empty arena. */
struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;		    /* of the newest block */
};

/* Return memory valid until arena_reset() or arena_deinit(), aligned for any type, never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_zalloc(struct arena *arena, size_t bytes);
char *arena_strndup(struct arena *arena, struct str text);  /* terminated */
struct str arena_str(struct arena *arena, struct str text); /* a copy */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));

#define arena_new(arena, type) ((type *)arena_zalloc((arena), sizeof(type)))

/* Bytes handed out since the last reset. */
size_t arena_bytes(const struct arena *arena);

/* Everything handed out is gone. The largest block that is worth keeping stays for the next user,
 * who needs about as much: what took two blocks will take one. */
void arena_reset(struct arena *arena);
void arena_deinit(struct arena *arena);

#endif
