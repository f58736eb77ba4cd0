/* docs/plugd.example.yaml, as people will copy it: it is accepted as it is, and with all that is
 * commented out and not refused beside the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/config.h"
#include "config/settings.h"

static void accept(struct str text, struct config *config)
{
	struct config_errors errors = {0};

	config_parse(text, "plugd.example.yaml", "/", NULL, config, &errors);
	if (errors.count > 0)
		fail_msg("%s", errors.items[0].text);
	config_errors_free(&errors);
}

static void is_accepted_as_it_is(void **state)
{
	struct config_errors errors = {0};
	struct config config;

	if (config_load(EXAMPLE, NULL, &config, &errors) < 0)
		fail_msg("%s", errors.items[0].text);
	assert_int_equal(config.plugin_count, 1);
	assert_int_equal(config.edge.route_count, 1);
	config_errors_free(&errors);
	config_free(&config);
}

/* "    # timeout: 5s", and not a sentence. */
static bool is_commented_setting(const char *line)
{
	const char *colon = strchr(line, ':');

	if (strncmp(line, "    # ", 6) != 0 || !colon)
		return false;
	struct str key = {line + 6, (size_t)(colon - line - 6)};
	const struct setting *setting = setting_find(SECTION_ROUTES, key);

	setting = setting ? setting : setting_find(SECTION_PLUGINS, key);
	return setting && !setting->aside;
}

static void is_accepted_with_all_that_is_commented_out(void **state)
{
	FILE *file = fopen(EXAMPLE, "r");
	struct buf text = {0};
	struct config config;
	char line[256];
	unsigned count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		bool commented = is_commented_setting(line);
		buf_printf(&text, "%s%s", commented ? "    " : "", line + (commented ? 6 : 0));
		count += commented;
	}
	fclose(file);
	assert_true(count >= 7);
	accept((struct str){(const char *)buf_front(&text), buf_len(&text)}, &config);
	assert_int_equal(config.edge.routes[0].timeout_ms, 5000);
	assert_int_not_equal(config.plugins[0].config_len, 0);
	buf_deinit(&text);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_accepted_as_it_is),
		cmocka_unit_test(is_accepted_with_all_that_is_commented_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
