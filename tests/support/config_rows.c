/* Runs tables of files and what is said about them. */
#include "tests/support/config_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"
#include "tests/support/unit.h"

static void check_error(const struct config_error *error, const struct config_expected *expected)
{
	char *place = expected->line > 0 ? mem_printf("f.yaml:%u: ", expected->line)
					 : mem_strdup("f.yaml: ");

	if (strncmp(error->text, place, strlen(place)) != 0 || error->code != expected->code ||
	    error->line != expected->line || !strstr(error->text, expected->says))
		fail_msg("\"%s\" [%d] is not line %u, code %d, \"%s\"", error->text, error->code,
			 expected->line, expected->code, expected->says);
	free(place);
}

static void check_row(void **state)
{
	const struct config_row *row = *state;
	struct config_errors errors = {0};
	struct config config;
	size_t count = 0;

	int result = config_parse(str_from(row->yaml), "f.yaml", "/dir", NULL, &config, &errors);
	while (row->errors[count].says)
		count++;
	for (size_t i = 0; i < errors.count && i < count; i++)
		check_error(&errors.items[i], &row->errors[i]);
	if (errors.count > count)
		fail_msg("unexpected: %s", errors.items[count].text);
	assert_int_equal(errors.count, count);
	assert_int_equal(result<0, count> 0);
	config_errors_free(&errors);
	config_free(&config);
}

int config_rows_run(const char *group, const struct config_row *rows, size_t count)
{
	struct CMUnitTest *tests = mem_array(count, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL,
					       (void *)(uintptr_t)&rows[i]};
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	return failed;
}
