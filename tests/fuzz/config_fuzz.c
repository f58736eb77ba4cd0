/* Any bytes as a configuration file, and as the value of every setting in the environment: either
 * it is refused with at least one error, or what comes out keeps the promises of config.h. */
#include <assert.h>
#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 2 KiB when a quoted text doesn't end; that is once per broken file of an
 * operator. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static void check_packed(const struct plugin_opts *plugin)
{
	msgpack_unpacked unpacked;
	size_t used = 0;

	if (!plugin->config)
		return;
	msgpack_unpacked_init(&unpacked);
	assert(msgpack_unpack_next(&unpacked, (const char *)plugin->config, plugin->config_len,
				   &used) == MSGPACK_UNPACK_SUCCESS);
	assert(used == plugin->config_len && unpacked.data.type == MSGPACK_OBJECT_MAP);
	msgpack_unpacked_destroy(&unpacked);
}

static void check_config(const struct config *config)
{
	assert(config->net.listen && config->net.listen[0]);
	assert(config->drain_timeout_ms >= 0 && config->net.max_connections > 0);
	for (size_t i = 0; i < config->plugin_count; i++) {
		const struct plugin_opts *plugin = &config->plugins[i];
		assert(plugin->name && plugin->executable && plugin->executable[0] == '/');
		assert(!plugin->enabled || config->trust.whitelist_file);
		assert(plugin->instances >= 1 && plugin->instances <= 64);
		check_packed(plugin);
	}
	for (size_t i = 0; i < config->edge.route_count; i++)
		assert(config->edge.routes[i].path && config->edge.routes[i].plugin);
}

static void check_load(struct str text, const struct config_overrides *overrides)
{
	struct config_errors errors = {0};
	struct config config;

	if (config_parse(text, "fuzz", "/fuzz", overrides, &config, &errors) == 0)
		check_config(&config);
	else
		assert(errors.count > 0 && errors.items[0].code != 0 && errors.items[0].text[0]);
	config_errors_free(&errors);
	config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *environment[SETTING_COUNT + 1] = {NULL};
	char name[SETTING_NAME];
	size_t count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (setting_is_single(&settings[i]))
			environment[count++] =
				mem_printf("%s=%.*s", setting_variable(&settings[i], name),
					   (int)(size > 512 ? 512 : size), (const char *)data);
	}
	check_load((struct str){(const char *)data, size}, NULL);
	check_load((struct str){NULL, 0}, &(struct config_overrides){.environment = environment});
	while (count > 0)
		free(environment[--count]);
	return 0;
}
