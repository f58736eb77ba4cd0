/* What kv hands to the instance that takes its place, in MessagePack. See values.h. */
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"

static const char *const counter_names[COUNTER_COUNT] = {
	[COUNTER_HITS] = "hits",
	[COUNTER_MISSES] = "misses",
	[COUNTER_PUTS] = "puts",
	[COUNTER_DELETES] = "deletes",
};

static void pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void pack_counters(msgpack_packer *packer, const uint64_t *counters)
{
	msgpack_pack_map(packer, COUNTER_COUNT);
	for (int i = 0; i < COUNTER_COUNT; i++) {
		pack_text(packer, counter_names[i]);
		msgpack_pack_uint64(packer, counters[i]);
	}
}

static void pack_keys(msgpack_packer *packer, const struct cache *cache)
{
	size_t count = 0;

	for (size_t i = 0; i < CACHE_SLOTS; i++)
		count += cache->slots[i].key_len > 0;
	msgpack_pack_array(packer, count);
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		const struct cache_slot *slot = &cache->slots[i];

		if (slot->key_len > 0)
			msgpack_pack_bin_with_body(packer, slot->key, slot->key_len);
	}
}

struct plug_verdict values_export(const struct values *values, struct plug_state_writer *writer)
{
	msgpack_sbuffer buffer;
	msgpack_packer packer;

	msgpack_sbuffer_init(&buffer);
	msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&packer, 2);
	pack_text(&packer, "counters");
	pack_counters(&packer, values->counters);
	pack_text(&packer, "keys");
	pack_keys(&packer, &values->cache);
	(void)plug_state_write(writer, buffer.data, buffer.size); /* the library tells, if not */
	msgpack_sbuffer_destroy(&buffer);
	return plug_ok();
}

/* A key that we have no memory for is read when somebody asks for it. */
static void warm_add(struct values *values, struct plug_bytes key)
{
	void *copy = key_is_valid(key) ? malloc(key.len) : NULL;

	if (!copy)
		return;
	memcpy(copy, key.data, key.len);
	values->warm[values->warm_count++] = (struct plug_bytes){copy, key.len};
}

struct plug_verdict values_import(struct values *values, const struct plug_value *state)
{
	const struct plug_value *counters = plug_value_at(state, "counters");
	const struct plug_value *keys = plug_value_at(state, "keys");
	size_t count = plug_value_count(keys, NULL);

	if (plug_value_type(counters, NULL) != PLUG_VALUE_MAP ||
	    plug_value_type(keys, NULL) != PLUG_VALUE_LIST)
		return plug_refuse("the state has no counters, or no keys");
	for (int i = 0; i < COUNTER_COUNT; i++)
		values->counters[i] = (uint64_t)plug_value_int(counters, counter_names[i], 0);
	for (size_t i = 0; i < count && i < CACHE_SLOTS; i++)
		warm_add(values, plug_value_bytes(plug_value_item(keys, i), NULL));
	return plug_ok();
}

static struct plug_verdict on_export(struct plug *plug, struct plug_state_writer *writer)
{
	return values_export(plug_user(plug), writer);
}

static struct plug_verdict on_import(struct plug *plug, struct plug_state *state)
{
	return values_import(plug_user(plug), plug_state_value(state));
}

const struct plug_state_format kv_state_formats[1] = {
	{.version = 1, .on_export = on_export, .on_import = on_import},
};
