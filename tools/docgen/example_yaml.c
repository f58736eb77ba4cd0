/* docs/plugd.example.yaml from config/settings.def: a file that plugd accepts, with every key. What
 * has no default and need not be there is commented out. */
#include <string.h>

#include "config/config.h"
#include "config/settings.h"
#include "docgen.h"

#define WIDTH 90

static const char intro[] = "# plugd.yaml: every setting, with its default where there is one. "
			    "docs/CONFIG.md explains.\n"
			    "# Generated from host/config/settings.def: change it there.\n";

static void write_comment(const char *indent, const char *text, struct buf *out)
{
	size_t column = 0; /* nothing is written yet */

	while (*text) {
		size_t len = strcspn(text, " ");
		if (column == 0 || column + 1 + len > WIDTH) {
			buf_printf(out, "%s%s#", column == 0 ? "" : "\n", indent);
			column = strlen(indent) + 1;
		}
		buf_printf(out, " %.*s", (int)len, text);
		column += 1 + len;
		text += len + (text[len] == ' ');
	}
	buf_append_str(out, STR_LITERAL("\n"));
}

/* A text that begins like another thing must stand in quotes. */
static bool needs_quotes(const struct setting *setting, const char *text)
{
	bool is_text = setting->kind == SETTING_STRING || setting->kind == SETTING_STRINGS;

	return is_text && (text[0] == ':' || text[0] == '*');
}

/* Of the settings in a section: a list's items are two columns in, behind their dash. */
static const char *indent_of(enum section_id id)
{
	static const char spaces[] = "        ";
	size_t columns = 0;

	for (; id != SECTION_TOP; id = sections[id].parent)
		columns += sections[id].list ? 4 : 2;
	return spaces + sizeof(spaces) - 1 - columns;
}

static void write_setting(const struct setting *setting, bool first, struct buf *out)
{
	bool list = sections[setting->section].list;
	const char *indent = indent_of(setting->section);
	int dash = (int)strlen(indent) - 2; /* the column of a list's dash */
	const char *value = setting->fallback ? setting->fallback : setting->example;
	const char *quote = needs_quotes(setting, value) ? "\"" : "";
	bool is_example =
		setting->aside || (!section_is_single(setting->section) && !setting->required &&
				   !setting->shown && !setting->fallback);

	/* A list's item begins with its dash, so its first comment stands in front of that. */
	write_comment(list && first ? indent + 2 : indent, setting->help, out);
	if (list && first)
		buf_printf(out, "%.*s- ", dash, indent);
	else
		buf_append_str(out, str_from(indent));
	buf_printf(out, "%s%s: %s%s%s\n", is_example ? "# " : "", setting->key, quote, value,
		   quote);
}

void example_yaml_write(struct buf *out)
{
	buf_append_str(out, STR_LITERAL(intro));
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		const char *indent = indent_of(sections[id].parent);
		bool first = true;

		if (sections[id].parent == SECTION_TOP)
			buf_append_str(out, STR_LITERAL("\n"));
		if (id != SECTION_TOP) {
			write_comment(indent, sections[id].help, out);
			buf_printf(out, "%s%s:\n", indent, sections[id].key);
		}
		for (size_t i = 0; i < SETTING_COUNT; i++) {
			if (settings[i].section != id)
				continue;
			write_setting(&settings[i], first, out);
			first = false;
		}
	}
}
