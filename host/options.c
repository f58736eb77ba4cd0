/* Flags: a few of the program's own, and one for each setting that exists once, made from the table
 * of settings. The values of the latter are not looked at here: config/ says what is wrong with
 * them, together with everything else. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/quote.h"
#include "config/settings.h"
#include "config/suggest.h"
#include "observe/errors.h"

/* The program's own flags. */
struct own_flag {
	const char *name;
	char letter;
	const char *argument; /* NULL: it has none */
	const char *help;
};

static const struct own_flag own_flags[] = {
	{"config", 'c', "FILE", "The configuration [" CONFIG_DEFAULT_FILE ", or $PLUGD_CONFIG]."},
	{"check", 'C', NULL,
	 "Tell everything that is wrong with the configuration and the files of the edge that it "
	 "names, and end."},
	{"version", 'V', NULL, "Tell the version, and end."},
	{"help", 'h', NULL, "Tell this, and end."},
};

#define OWN_FLAGS	(sizeof(own_flags) / sizeof(own_flags[0]))
#define SETTING_LETTERS 256 /* above every letter: SETTING_LETTERS + the setting's number */

/* getopt's table; names live in the arena. */
static struct option *flag_table(struct arena *arena)
{
	struct option *table =
		arena_zalloc(arena, (OWN_FLAGS + SETTING_COUNT + 1) * sizeof(*table));
	struct option *next = table;

	for (size_t i = 0; i < OWN_FLAGS; i++)
		*next++ = (struct option){own_flags[i].name, own_flags[i].argument != NULL, NULL,
					  own_flags[i].letter};
	for (int i = 0; i < SETTING_COUNT; i++) {
		if (!setting_is_single(&settings[i]))
			continue;
		char *name = setting_flag(&settings[i], arena_alloc(arena, SETTING_NAME));
		*next++ = (struct option){name, required_argument, NULL, SETTING_LETTERS + i};
	}
	return table;
}

static int refuse_flag(const char *word, const struct option *table, struct err *err)
{
	const char *equals = strchrnul(word, '=');
	struct str name = {word, (size_t)(equals - word)};

	while (name.len > 0 && name.data[0] == '-') {
		name.data++;
		name.len--;
	}
	struct suggest suggest = suggest_for(name);
	for (; table->name; table++)
		suggest_offer(&suggest, table->name);
	return err_set(err, ERR_CONFIG_UNKNOWN_KEY, "%s is not a flag%s%s%s",
		       quote_of(str_from(word)).text, suggest.best ? "; did you mean --" : "",
		       suggest.best ? suggest.best : "", suggest.best ? "?" : "");
}

static void take_own(struct options *options, int letter)
{
	switch (letter) {
	case 'c':
		options->config_file = optarg;
		break;
	case 'C':
		options->action = OPTIONS_CHECK;
		break;
	case 'V':
		options->action = OPTIONS_VERSION;
		break;
	default:
		options->action = OPTIONS_HELP;
		break;
	}
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
	*out = (struct options){0};
	struct option *table = flag_table(&out->arena);
	int letter;

	out->flags = arena_zalloc(&out->arena, ((size_t)argc + 1) * sizeof(*out->flags));
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:c:Vh", table, NULL)) != -1) {
		if (letter == ':')
			return err_set(err, ERR_CONFIG_MISSING, "%s needs a value",
				       quote_of(str_from(argv[optind - 1])).text);
		if (letter == '?')
			return refuse_flag(argv[optind - 1], table, err);
		if (letter >= SETTING_LETTERS) {
			char *name = arena_alloc(&out->arena, SETTING_NAME);
			setting_flag(&settings[letter - SETTING_LETTERS], name);
			out->flags[out->flag_count++] = (struct config_flag){name, optarg};
		} else {
			take_own(out, letter);
		}
	}
	if (optind < argc)
		return err_set(err, ERR_CONFIG_UNKNOWN_KEY,
			       "%s is not a flag; plugd takes flags only",
			       quote_of(str_from(argv[optind])).text);
	return 0;
}

void options_free(struct options *options)
{
	arena_deinit(&options->arena);
	*options = (struct options){0};
}

/* ---- help ---- */

#define HELP_INDENT 8
#define HELP_WIDTH  80

static void print_wrapped(FILE *out, const char *text)
{
	size_t column = HELP_WIDTH;

	while (*text) {
		size_t len = strcspn(text, " ");
		if (column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		} else {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static const char *argument_name(enum setting_kind kind)
{
	switch (kind) {
	case SETTING_STRING:
	case SETTING_CHOICE:
		return "WORD";
	case SETTING_PATH:
		return "PATH";
	case SETTING_BOOL:
		return "true|false";
	case SETTING_INT:
		return "N";
	case SETTING_DURATION:
		return "TIME";
	case SETTING_SIZE:
		return "SIZE";
	case SETTING_STRINGS:
		return "TEXT";
	case SETTING_PAIRS:
	case SETTING_SOURCES:
	case SETTING_FREE:
		break;
	}
	return "VALUE";
}

void options_print_help(FILE *out)
{
	char name[SETTING_NAME];

	fputs("plugd [flags]: runs plugins as processes behind one network edge.\n\n", out);
	for (size_t i = 0; i < OWN_FLAGS; i++) {
		fprintf(out, "  --%s %s", own_flags[i].name,
			own_flags[i].argument ? own_flags[i].argument : "");
		print_wrapped(out, own_flags[i].help);
	}
	fputs("\nSettings, over those of the environment and the file:\n\n", out);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		if (!setting_is_single(setting))
			continue;
		fprintf(out, "  --%s %s%s", setting_flag(setting, name),
			argument_name(setting->kind),
			setting->kind == SETTING_STRINGS ? " (again for more)" : "");
		if (setting->fallback)
			fprintf(out, " [%s]", setting->fallback);
		print_wrapped(out, setting->help);
	}
}
