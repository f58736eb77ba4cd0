/* The command line: what plugd is asked to do, and the settings it is given there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define MAX_WORDS 8

struct line {
	char *words[MAX_WORDS];
	struct options options;
	struct err err;
};

/* Returns what options_parse() does. */
static int parse(struct line *line)
{
	char *argv[MAX_WORDS + 2] = {(char[]){"plugd"}};
	int argc = 1;

	for (; line->words[argc - 1]; argc++)
		argv[argc] = line->words[argc - 1];
	return options_parse(argc, argv, &line->options, &line->err);
}

#define WORD(text) ((char[]){text})

static void runs_without_any_flag(void **state)
{
	struct line line = {0};

	assert_int_equal(parse(&line), 0);
	assert_int_equal(line.options.action, OPTIONS_RUN);
	assert_null(line.options.config_file);
	assert_int_equal(line.options.flag_count, 0);
	options_free(&line.options);
}

static void takes_settings_in_the_order_of_the_line(void **state)
{
	struct line line = {{WORD("--listen"), WORD(":1"), WORD("--log-level=warn"),
			     WORD("--listen=:2"), WORD("-c"), WORD("x.yaml")}};

	assert_int_equal(parse(&line), 0);
	assert_string_equal(line.options.config_file, "x.yaml");
	assert_int_equal(line.options.flag_count, 3);
	assert_string_equal(line.options.flags[0].name, "listen");
	assert_string_equal(line.options.flags[0].value, ":1");
	assert_string_equal(line.options.flags[1].name, "log-level");
	assert_string_equal(line.options.flags[1].value, "warn");
	assert_string_equal(line.options.flags[2].value, ":2");
	options_free(&line.options);
}

static void knows_its_own_actions(void **state)
{
	static const struct {
		const char *word;
		enum options_action action;
	} rows[] = {{"--check", OPTIONS_CHECK},
		    {"--version", OPTIONS_VERSION},
		    {"-V", OPTIONS_VERSION},
		    {"--help", OPTIONS_HELP},
		    {"-h", OPTIONS_HELP}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char word[16];
		struct line line = {{strcpy(word, rows[i].word)}};
		assert_int_equal(parse(&line), 0);
		assert_int_equal(line.options.action, rows[i].action);
		options_free(&line.options);
	}
}

static void says_what_is_wrong_with_a_line(void **state)
{
	static const struct {
		const char *word;
		const char *says;
	} rows[] = {
		{"--log-levle=info",
		 "\"--log-levle=info\" is not a flag; did you mean --log-level?"},
		{"--listen", "\"--listen\" needs a value"},
		{"--routes", "\"--routes\" is not a flag"},
		{"-x", "\"-x\" is not a flag"},
		{"plugd.yaml", "\"plugd.yaml\" is not a flag; plugd takes flags only"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char word[32];
		struct line line = {{strcpy(word, rows[i].word)}};
		assert_true(parse(&line) < 0);
		assert_string_equal(line.err.text, rows[i].says);
		options_free(&line.options);
	}
}

static void helps_with_each_setting_that_has_a_flag(void **state)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	options_print_help(out);
	fclose(out);
	assert_non_null(strstr(text, "  --config FILE\n"));
	assert_non_null(strstr(text, "  --http-body-limit SIZE [10MiB]\n"));
	assert_non_null(strstr(text, "  --listen TEXT (again for more) [127.0.0.1:8080]\n"));
	assert_null(strstr(text, "--plugins"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_without_any_flag),
		cmocka_unit_test(takes_settings_in_the_order_of_the_line),
		cmocka_unit_test(knows_its_own_actions),
		cmocka_unit_test(says_what_is_wrong_with_a_line),
		cmocka_unit_test(helps_with_each_setting_that_has_a_flag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
