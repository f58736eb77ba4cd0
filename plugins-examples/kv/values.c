/* The store, with a cache before it and counters beside it. Owns all three. The cache is right as
 * long as only we write, and the file tells when somebody else has: several instances may share
 * one. */
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* Drops what another process may have changed. */
static void values_check(struct values *values)
{
	int64_t version = store_version(values->store);

	if (version < 0 || version != values->version)
		cache_clear(&values->cache);
	values->version = version;
}

/* From the store into the cache, counting nothing. */
static enum store_result values_fetch(struct values *values, struct plug_bytes key,
				      struct store_value *value_out)
{
	enum store_result result = store_get(values->store, key, value_out);

	if (result == STORE_OK)
		cache_put(&values->cache, key, value_out);
	return result;
}

static void warm_forget(struct values *values)
{
	for (size_t i = 0; i < values->warm_count; i++)
		free((void *)(uintptr_t)values->warm[i].data);
	values->warm_count = 0;
}

bool values_open(struct values *values, const char *path, int busy_timeout_ms, char *why,
		 size_t why_size)
{
	struct store_value value;

	values->store = store_open(path, busy_timeout_ms, why, why_size);
	if (!values->store)
		return false;
	values_check(values);
	for (size_t i = 0; i < values->warm_count; i++)
		(void)values_fetch(values, values->warm[i], &value);
	warm_forget(values);
	return true;
}

void values_close(struct values *values)
{
	warm_forget(values);
	cache_clear(&values->cache);
	store_close(values->store);
}

enum store_result values_get(struct values *values, struct plug_bytes key,
			     struct store_value *value_out)
{
	values_check(values);
	if (cache_get(&values->cache, key, value_out)) {
		values->counters[COUNTER_HITS]++;
		return STORE_OK;
	}
	values->counters[COUNTER_MISSES]++;
	return values_fetch(values, key, value_out);
}

enum store_result values_put(struct values *values, struct plug_bytes key, struct plug_bytes value,
			     bool *created_out)
{
	cache_drop(&values->cache, key);
	values->counters[COUNTER_PUTS]++;
	return store_put(values->store, key, value, created_out);
}

enum store_result values_delete(struct values *values, struct plug_bytes key)
{
	cache_drop(&values->cache, key);
	values->counters[COUNTER_DELETES]++;
	return store_delete(values->store, key);
}
