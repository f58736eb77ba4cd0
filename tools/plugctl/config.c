/* `plugctl config check`: the host's own loader on a file, without a host. The environment is
 * looked at too, as plugd would. */
#include "config/config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/member.h"
#include "output.h"
#include "subcommand.h"

static void tell_errors(const struct config_errors *errors)
{
	json_t *list = json_array();

	for (size_t i = 0; i < errors->count; i++) {
		json_t *object = json_object();

		member_int(object, "code", errors->items[i].code);
		member_int(object, "line", errors->items[i].line);
		member_text(object, "text", errors->items[i].text);
		json_array_append_new(list, object);
	}
	output_json(list);
	json_decref(list);
}

enum exit_status run_config_check(const struct plugctl *plugctl, const struct args *args)
{
	struct config_overrides overrides = {.environment = environ};
	struct config_errors errors = {0};
	struct config config = {0};
	int r = config_load(args->operands[0], &overrides, &config, &errors);

	if (plugctl->is_json)
		tell_errors(&errors);
	else if (r < 0)
		config_errors_print(&errors, stderr);
	else
		printf("%s is good: %zu plugins, %zu routes.\n", args->operands[0],
		       config.plugin_count, config.edge.route_count);
	config_errors_free(&errors);
	config_free(&config);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}
