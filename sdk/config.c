/* The plugin's own configuration. Owns the version in force and those that it replaced: handlers
 * keep strings of it across events, and read it in other threads, so a version is freed only when
 * every call that began under it is gone. Called by life.c, and by serve.c once per turn. A change
 * that can't be taken is a verdict for the host. */
#include "sdk/config.h"

#include <stdlib.h>

#include "sdk/runtime.h"

struct config_value {
	struct config_value *older;
	uint32_t version;
	struct parsed_value *parsed;
};

static struct config_value *config_value_new(struct wire_bytes packed)
{
	struct config_value *value = calloc(1, sizeof(*value));

	if (value == NULL)
		return NULL;
	value->parsed = parsed_map_new(packed.data, packed.len);
	if (value->parsed != NULL)
		return value;
	free(value);
	return NULL;
}

static void config_value_free(struct config_value *value)
{
	if (value == NULL)
		return;
	parsed_value_free(value->parsed);
	free(value);
}

/* `oldest`: of the versions that live calls began with. */
static void config_free_before(struct config *config, uint32_t oldest)
{
	struct config_value **at = &config->old;

	while (*at != NULL && (*at)->version >= oldest)
		at = &(*at)->older;
	while (*at != NULL) {
		struct config_value *value = *at;

		*at = value->older;
		config_value_free(value);
	}
}

void config_deinit(struct config *config)
{
	config_free_before(config, UINT32_MAX);
	config_value_free(config->now);
	*config = (struct config){0};
}

bool config_begin(struct plug *plug, struct wire_bytes packed)
{
	plug->config.now = config_value_new(packed);
	return plug->config.now != NULL;
}

/* Calls that began earlier may hold on to the one that is replaced. */
static void config_replace(struct config *config, struct config_value *value)
{
	config->now->older = config->old;
	config->old = config->now;
	value->version = ++config->version;
	__atomic_store_n(&config->now, value, __ATOMIC_RELEASE);
}

static uint32_t oldest_version(const struct plug *plug)
{
	uint32_t oldest = plug->config.version;

	for (size_t i = 0; i < CALL_BUCKETS; i++) {
		const struct plug_call *call = plug->calls.buckets[i];

		for (; call != NULL; call = call->chain) {
			if (!call->finished && call->config_version < oldest)
				oldest = call->config_version;
		}
	}
	return oldest;
}

struct plug_verdict config_change(struct plug *plug, struct wire_bytes packed)
{
	struct config_value *value;
	struct plug_verdict verdict;

	if (plug->plugin->on_config == NULL)
		return plug_refuse("the plugin reads its configuration only when it starts");
	value = config_value_new(packed);
	if (value == NULL)
		return plug_refuse("the configuration is no MessagePack map");
	verdict = plug->plugin->on_config(plug, parsed_value_root(value->parsed));
	if (verdict.ok)
		config_replace(&plug->config, value);
	else
		config_value_free(value);
	config_free_before(&plug->config, oldest_version(plug));
	return verdict;
}

void config_tidy(struct plug *plug)
{
	if (plug->config.old != NULL && plug->calls.live == 0)
		config_free_before(&plug->config, UINT32_MAX);
}

const struct plug_value *plug_config(const struct plug *plug)
{
	const struct config_value *value = __atomic_load_n(&plug->config.now, __ATOMIC_ACQUIRE);

	return value != NULL ? parsed_value_root(value->parsed) : NULL;
}

const char *plug_config_string(const struct plug *plug, const char *path, const char *fallback)
{
	return plug_value_string(plug_config(plug), path, fallback);
}

int64_t plug_config_int(const struct plug *plug, const char *path, int64_t fallback)
{
	return plug_value_int(plug_config(plug), path, fallback);
}

bool plug_config_bool(const struct plug *plug, const char *path, bool fallback)
{
	return plug_value_bool(plug_config(plug), path, fallback);
}

double plug_config_double(const struct plug *plug, const char *path, double fallback)
{
	return plug_value_double(plug_config(plug), path, fallback);
}
