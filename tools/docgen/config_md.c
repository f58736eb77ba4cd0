/* docs/CONFIG.md from config/settings.def. */
#include "config/config.h"
#include "config/settings.h"
#include "docgen.h"

static const char intro[] =
	"# Configuration\n"
	"\n"
	"<!-- Generated from host/config/settings.def: change it there. -->\n"
	"\n"
	"plugd reads one YAML file: the one that `--config` names, else `$" CONFIG_FILE_VARIABLE
	"`, else\n"
	"`" CONFIG_DEFAULT_FILE
	"`. [plugd.example.yaml](plugd.example.yaml) shows every key. Over the "
	"file go the\n"
	"environment and the command line: **flags > environment > file > defaults**.\n"
	"\n"
	"`plugctl config check FILE` tells everything that is wrong, each with its file, its line, "
	"what would\n"
	"be right, and a number of [ERRORS.md](ERRORS.md):\n"
	"\n"
	"```\n"
	"plugd.yaml:5: http: \"body_limt\" is not a key that plugd knows here; did you mean "
	"body_limit? [1001]\n"
	"plugd.yaml:7: http.read_timeout: \"30\" is not a duration such as 30s or 250ms; its unit "
	"is "
	"missing [1002]\n"
	"```\n"
	"\n"
	"plugd does not start with a configuration that has an error.\n"
	"\n"
	"`plugd --check` tells the same, and then opens the files and directories that the "
	"configuration\n"
	"names: certificates, keys, users, the whitelist, the access log's file and what routes "
	"serve. It opens no\n"
	"address, fetches nothing and looks at no plugin: whether an address is free, and whether "
	"an executable is\n"
	"the one that the whitelist means, is told at the start.\n"
	"\n"
	"- **Durations** have units: `250ms`, `5s`, `1m30s`, `2h`, `1d`.\n"
	"- **Sizes** are bytes, or have units: `512KiB`, `10MiB`, `1GiB`; `500kB`, `2MB`, `1GB` "
	"count in "
	"thousands.\n"
	"- **Booleans** are `true` and `false`; `yes`, `no`, `on` and `off` are refused.\n"
	"- **Relative paths** begin at the directory of the file; those in the environment and in "
	"flags "
	"at the\n"
	"  directory in which plugd is started.\n"
	"- **Environment**: a list is written with commas (`PLUGD_LISTEN=127.0.0.1:8080,:9090`). A "
	"`PLUGD_` variable that\n"
	"  names no setting is an error; those that Kubernetes sets for a service named plugd are "
	"passed over.\n"
	"- **Flags**: a list is written by giving the flag again (`--listen 127.0.0.1:8080 "
	"--listen "
	":9090`).\n"
	"- **reload** says what `plugctl reload` or SIGHUP does about a change: `live`, it is in "
	"force "
	"at once;\n"
	"  `swap`, a new generation of the plugin takes over; `config`, the running plugin is "
	"asked to "
	"take it, or is\n"
	"  swapped; `plugin`, the plugin comes or goes; `listener`, addresses are opened and "
	"closed; "
	"`restart`, it is\n"
	"  refused while plugd runs. [OPERATIONS.md](OPERATIONS.md#changing-the-configuration) "
	"tells more.\n"
	"- A list of texts has at most 1024 items.\n"
	"- Routes, plugins and certificates can be set in the file only.\n"
	"- Anchors, aliases, tags and several documents in one file are refused.\n";

static const char free_note[] = "\n"
				"Values in a plugin's `config` are what YAML 1.2 says: `null`, "
				"`true`, `false`, integers and "
				"floats;\n"
				"everything else, and what is in quotes, is a string. Keys are "
				"strings. The plugin gets the map as "
				"MessagePack.\n";

/* Type and range, default, and the names outside the file, on one line. */
static void write_facts(const struct setting *setting, struct buf *out)
{
	char name[SETTING_NAME];

	buf_append_str(out, STR_LITERAL(": "));
	setting_put_kind(setting, out);
	if (setting->kind == SETTING_DURATION || setting->kind == SETTING_SIZE) {
		buf_append_str(out, STR_LITERAL(", "));
		setting_put_range(setting, out);
	}
	if (setting->required)
		buf_append_str(out, STR_LITERAL("; required"));
	else if (setting->fallback)
		buf_printf(out, "; default `%s`", setting->fallback);
	else
		buf_printf(out, "; without it: %s", setting->otherwise);
	if (setting_is_single(setting)) {
		buf_printf(out, "; `%s`", setting_variable(setting, name));
		buf_printf(out, ", `--%s`", setting_flag(setting, name));
	}
	buf_printf(out, "; reload: %s", setting_apply_name(setting->apply));
	buf_append_str(out, STR_LITERAL("\n"));
}

static void write_setting(const struct setting *setting, struct buf *out)
{
	buf_printf(out, "- **`%s`**", setting->key);
	if (setting->alias)
		buf_printf(out, " or **`%s`**", setting->alias);
	write_facts(setting, out);
	buf_printf(out, "  <br>%s", setting->help);
	if (setting->example)
		buf_printf(out, " Example: `%s: %s`.", setting->key, setting->example);
	buf_append_str(out, STR_LITERAL("\n"));
}

/* "identity.jwt.issuers"; "cors", of a list's items. */
static void write_name(const struct section *section, struct buf *out)
{
	const struct section *parent = &sections[section->parent];

	if (!parent->list && parent->key[0]) {
		write_name(parent, out);
		buf_append_str(out, STR_LITERAL("."));
	}
	buf_append_str(out, str_from(section->key));
}

/* `log`; `plugins`: a list; `retry` of each item of `plugins` */
static void write_heading(const struct section *section, struct buf *out)
{
	enum section_id list = section_list(section->parent);
	bool is_in_list = list != SECTION_TOP;

	buf_append_str(out, is_in_list ? STR_LITERAL("\n### `") : STR_LITERAL("\n## `"));
	write_name(section, out);
	buf_append_str(out, STR_LITERAL("`"));
	if (is_in_list) {
		buf_append_str(out, STR_LITERAL(" of each item of `"));
		write_name(&sections[list], out);
		buf_append_str(out, STR_LITERAL("`"));
	}
	buf_append_str(out, section->list ? STR_LITERAL(": a list\n") : STR_LITERAL("\n"));
	buf_printf(out, "\n%s\n\n", section->help);
}

void config_md_write(struct buf *out)
{
	buf_append_str(out, STR_LITERAL(intro));
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		const struct section *section = &sections[id];

		if (id == SECTION_TOP)
			buf_append_str(out, STR_LITERAL("\n## At the top\n\n"));
		else
			write_heading(section, out);
		if (section->list)
			buf_printf(out, "At most %u. Each has:\n\n", section->max);
		for (size_t i = 0; i < SETTING_COUNT; i++) {
			if (settings[i].section == id)
				write_setting(&settings[i], out);
		}
	}
	buf_append_str(out, STR_LITERAL(free_note));
}
