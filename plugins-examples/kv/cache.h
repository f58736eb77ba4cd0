/* Values that were read lately, in memory. */
#ifndef KV_CACHE_H
#define KV_CACHE_H

#include <plug.h>
#include <stdbool.h>
#include <stdint.h>

#include "store.h"

#define CACHE_SLOTS 64 /* at most 2 MiB, with the largest values */

struct cache_slot {
	uint8_t key[STORE_KEY_MAX];
	uint8_t key_len; /* 0: empty */
	size_t len;
	void *data;
};

/* Zeroed is an empty one. */
struct cache {
	struct cache_slot slots[CACHE_SLOTS];
};

void cache_clear(struct cache *cache);
void cache_drop(struct cache *cache, struct plug_bytes key);

/* Keeps a copy, instead of what was in its slot; without memory it keeps nothing. */
void cache_put(struct cache *cache, struct plug_bytes key, const struct store_value *value);

/* Copies the value, if it is there. */
bool cache_get(const struct cache *cache, struct plug_bytes key, struct store_value *value_out);

#endif
