/* A read cache: each key has one slot, which the last value that was read takes. Whoever writes
 * drops the key; whoever learns that another process has written clears all. */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static uint32_t hash_of(struct plug_bytes key)
{
	const uint8_t *at = key.data;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash;
}

static struct cache_slot *slot_of(const struct cache *cache, struct plug_bytes key)
{
	return (struct cache_slot *)&cache->slots[hash_of(key) % CACHE_SLOTS];
}

static bool slot_has(const struct cache_slot *slot, struct plug_bytes key)
{
	return slot->key_len == key.len && memcmp(slot->key, key.data, key.len) == 0;
}

static void slot_clear(struct cache_slot *slot)
{
	free(slot->data);
	slot->data = NULL;
	slot->key_len = 0;
}

void cache_clear(struct cache *cache)
{
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		slot_clear(&cache->slots[i]);
}

void cache_drop(struct cache *cache, struct plug_bytes key)
{
	struct cache_slot *slot = slot_of(cache, key);

	if (slot_has(slot, key))
		slot_clear(slot);
}

void cache_put(struct cache *cache, struct plug_bytes key, const struct store_value *value)
{
	struct cache_slot *slot = slot_of(cache, key);

	slot_clear(slot);
	slot->data = malloc(value->len + 1);
	if (!slot->data)
		return;
	memcpy(slot->data, value->data, value->len);
	slot->len = value->len;
	memcpy(slot->key, key.data, key.len);
	slot->key_len = (uint8_t)key.len;
}

bool cache_get(const struct cache *cache, struct plug_bytes key, struct store_value *value_out)
{
	const struct cache_slot *slot = slot_of(cache, key);

	if (!slot_has(slot, key))
		return false;
	value_out->len = slot->len;
	memcpy(value_out->data, slot->data, slot->len);
	return true;
}
