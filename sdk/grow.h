/* A growing run of bytes that says so when there is no memory, instead of aborting: the plugin's
 * process belongs to its author. Pure. */
#ifndef PLUG_GROW_H
#define PLUG_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is a valid empty one that owns nothing. */
struct grow {
	uint8_t *data;
	size_t len;
	size_t cap;
};

void grow_deinit(struct grow *grow); /* also makes it empty again */

/* Where `bytes` more go; NULL without memory. Valid until the next call. The caller adds to len. */
uint8_t *grow_reserve(struct grow *grow, size_t bytes);

/* False without memory; then nothing was added. */
bool grow_append(struct grow *grow, const void *data, size_t len);

#endif
