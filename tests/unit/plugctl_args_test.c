/* Command lines against rows of options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "args.h"

static const struct arg_option own[] = {
	{"file", 'f', "PATH", "a file"}, {"env", 0, "NAME", "again and again"}, {NULL}};
static const struct arg_option global[] = {{"help", 'h', NULL, "help"}, {NULL}};

/* `line` is split at its blanks; argv[0] is put in front. */
static bool parse(struct args *args, char *line, bool in_order)
{
	static char program[] = "plugctl";
	static char *argv[16];
	int argc = 1;

	argv[0] = program;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	*args = (struct args){0};
	return args_parse(args, argc, argv, own, global, in_order);
}

static void options_and_operands_come_in_any_order(void **state)
{
	char line[] = "one -f a two --env=x --env y -h";
	struct args args;
	size_t at = 0;

	assert_true(parse(&args, line, false));
	assert_int_equal(args.operand_count, 2);
	assert_string_equal(args.operands[0], "one");
	assert_string_equal(args.operands[1], "two");
	assert_null(args.operands[2]);
	assert_string_equal(args_value(&args, "file"), "a");
	assert_string_equal(args_next(&args, "env", &at), "x");
	assert_string_equal(args_next(&args, "env", &at), "y");
	assert_null(args_next(&args, "env", &at));
	assert_true(args_has(&args, "help"));
	assert_false(args_has(&args, "nothing"));
}

static void the_last_of_an_option_counts(void **state)
{
	char line[] = "-f a --file b -fc";
	struct args args;

	assert_true(parse(&args, line, false));
	assert_string_equal(args_value(&args, "file"), "c");
}

static void in_order_the_first_operand_ends_the_options(void **state)
{
	char line[] = "-f a program -f --what -h";
	struct args args;

	assert_true(parse(&args, line, true));
	assert_string_equal(args_value(&args, "file"), "a");
	assert_false(args_has(&args, "help"));
	assert_int_equal(args.operand_count, 4);
	assert_string_equal(args.operands[1], "-f");
}

static void two_dashes_end_the_options(void **state)
{
	char line[] = "-- -f a";
	struct args args;

	assert_true(parse(&args, line, false));
	assert_int_equal(args.operand_count, 2);
	assert_null(args_value(&args, "file"));
}

static void what_is_wrong_is_named(void **state)
{
	struct {
		char line[24];
		const char *why;
	} rows[] = {
		{"--nope", "--nope is not an option here"},
		{"-x", "-x is not an option here"},
		{"a --file", "--file needs a value"},
		{"-f", "-f needs a value"},
		{"--help=yes", "--help=yes is not an option here"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct args args;

		assert_false(parse(&args, rows[i].line, false));
		assert_string_equal(args.why, rows[i].why);
	}
}

static void more_options_than_there_is_room_for_are_refused(void **state)
{
	static char program[] = "plugctl";
	static char flag[] = "-h";
	static char *argv[ARGS_MAX_GIVEN + 3];
	struct args args = {0};

	argv[0] = program;
	for (int i = 1; i <= ARGS_MAX_GIVEN + 1; i++)
		argv[i] = flag;
	assert_false(args_parse(&args, ARGS_MAX_GIVEN + 2, argv, own, global, false));
	assert_int_equal(args.given_count, ARGS_MAX_GIVEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_come_in_any_order),
		cmocka_unit_test(the_last_of_an_option_counts),
		cmocka_unit_test(in_order_the_first_operand_ends_the_options),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(more_options_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
