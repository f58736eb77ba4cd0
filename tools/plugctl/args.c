/* Arguments by getopt_long(). Turns rows into what getopt wants, and its complaints into our
 * sentences. Called by main.c, once for what stands before the command's name and once for what
 * follows. */
#include "args.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

/* getopt's tables, made of the rows. */
struct translation {
	struct option longs[ARGS_MAX_OPTIONS + 1];
	const struct arg_option *rows[ARGS_MAX_OPTIONS];
	char shorts[2 * ARGS_MAX_OPTIONS + 3];
	size_t count;
};

static void translate(struct translation *table, const struct arg_option *options)
{
	for (; options && options->name; options++) {
		char letter[] = {options->letter, options->value ? ':' : '\0', '\0'};

		assert(table->count < ARGS_MAX_OPTIONS);
		table->longs[table->count] = (struct option){
			.name = options->name,
			.has_arg = options->value ? required_argument : no_argument,
		};
		table->rows[table->count++] = options;
		if (options->letter)
			strcat(table->shorts, letter);
	}
}

static const struct arg_option *find_letter(const struct translation *table, int letter)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i]->letter == letter)
			return table->rows[i];
	}
	return NULL;
}

static bool complain(struct args *args, int verdict, const char *text)
{
	if (verdict == ':')
		snprintf(args->why, sizeof(args->why), "%.60s needs a value", text);
	else
		snprintf(args->why, sizeof(args->why), "%.60s is not an option here", text);
	return false;
}

static bool take(struct args *args, const struct arg_option *option, const char *value)
{
	if (args->given_count == ARGS_MAX_GIVEN) {
		snprintf(args->why, sizeof(args->why), "more than %d options", ARGS_MAX_GIVEN);
		return false;
	}
	args->given[args->given_count].option = option;
	args->given[args->given_count++].value = value;
	return true;
}

bool args_parse(struct args *args, int argc, char **argv, const struct arg_option *own,
		const struct arg_option *global, bool in_order)
{
	struct translation table = {.shorts = "+:"};
	int verdict;
	int row;

	if (!in_order)
		strcpy(table.shorts, ":"); /* getopt moves operands behind the options */
	translate(&table, own);
	translate(&table, global);
	opterr = 0;
	optind = 0;
	while ((verdict = getopt_long(argc, argv, table.shorts, table.longs, &row)) != -1) {
		const struct arg_option *option =
			verdict ? find_letter(&table, verdict) : table.rows[row];

		if (verdict == '?' || verdict == ':')
			return complain(args, verdict, argv[optind - 1]);
		if (!take(args, option, optarg))
			return false;
	}
	args->operands = argv + optind;
	args->operand_count = argc - optind;
	return true;
}

const char *args_next(const struct args *args, const char *name, size_t *at)
{
	while (*at < args->given_count) {
		size_t i = (*at)++;

		if (strcmp(args->given[i].option->name, name) == 0)
			return args->given[i].value ? args->given[i].value : "";
	}
	return NULL;
}

const char *args_value(const struct args *args, const char *name)
{
	const char *last = NULL;
	const char *value;
	size_t at = 0;

	while ((value = args_next(args, name, &at)))
		last = value;
	return last;
}

bool args_has(const struct args *args, const char *name)
{
	return args_value(args, name) != NULL;
}

void args_print_options(const struct arg_option *options, FILE *out)
{
	for (; options && options->name; options++) {
		char text[64];

		snprintf(text, sizeof(text), "--%s%s%s", options->name, options->value ? " " : "",
			 options->value ? options->value : "");
		if (options->letter)
			fprintf(out, "  -%c, %-24s %s\n", options->letter, text, options->help);
		else
			fprintf(out, "      %-24s %s\n", text, options->help);
	}
}
