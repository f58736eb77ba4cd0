/* The values as the two doors see them: the store, with a cache before it and counters beside. */
#ifndef KV_VALUES_H
#define KV_VALUES_H

#include <plug.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache.h"
#include "store.h"

/* What was done, since the plugin was started for the first time: a swap takes it along. */
enum counter { COUNTER_HITS, COUNTER_MISSES, COUNTER_PUTS, COUNTER_DELETES, COUNTER_COUNT };

struct values {
	struct store *store;
	struct cache cache;
	int64_t version; /* of the file, that the cache is right for */
	uint64_t counters[COUNTER_COUNT];
	struct plug_bytes warm[CACHE_SLOTS]; /* owned keys, to be read when the store is there */
	size_t warm_count;
};

/* Opens the store, and reads what values_import() has listed. False: `why` says why not. */
bool values_open(struct values *values, const char *path, int busy_timeout_ms, char *why,
		 size_t why_size);
void values_close(struct values *values);

/* As store_get(), store_put() and store_delete(). */
enum store_result values_get(struct values *values, struct plug_bytes key,
			     struct store_value *value_out);
enum store_result values_put(struct values *values, struct plug_bytes key, struct plug_bytes value,
			     bool *created_out);
enum store_result values_delete(struct values *values, struct plug_bytes key);

/* State, format 1: {"counters": {"hits": n, …}, "keys": [key, …]}. Of the cache only the keys go
 * over: the values may have changed when the next instance reads them. */
struct plug_verdict values_export(const struct values *values, struct plug_state_writer *writer);
struct plug_verdict values_import(struct values *values, const struct plug_value *state);

#endif
