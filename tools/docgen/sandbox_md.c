/* docs/SANDBOX.md from trust/walls.def, trust/calls.def and the paths that strict allows. */
#include <string.h>

#include "docgen.h"
#include "trust/cage.h"

static const char intro[] =
	"# Sandbox\n"
	"\n"
	"<!-- Generated from host/trust/walls.def, calls.def and cage.c: change it there. -->\n"
	"\n"
	"What the profiles of `sandbox` consist of. docs/OPERATIONS.md tells how to use them, "
	"docs/CONFIG.md which settings there are, and `plugctl explain` which walls stand around a "
	"plugin that runs.\n"
	"\n"
	"## Walls\n"
	"\n"
	"| wall | with it, a plugin … |\n"
	"| --- | --- |\n";

static const struct {
	const char *from;
	const char *heading;
} groups[] = {
	{"STRICT", "By both profiles"},
	{"NETWORK", "By strict with `network: host`, and by standard"},
	{"EXECUTE", "By strict with `execute`, and by standard"},
	{"STANDARD", "By standard alone"},
};

static const struct {
	const char *from;
	const char *name;
} calls[] = {
#define CALL(from, name) {#from, #name},
#include "trust/calls.def"
#undef CALL
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void write_group(size_t group, struct buf *out)
{
	const char *separator = "";

	buf_printf(out, "\n### %s\n\n", groups[group].heading);
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (strcmp(calls[i].from, groups[group].from) != 0)
			continue;
		buf_printf(out, "%s%s", separator, calls[i].name);
		separator = " ";
	}
	buf_append_str(out, STR_LITERAL("\n"));
}

static void write_paths(struct buf *out)
{
	const struct cage_rule *rule;

	buf_append_str(out,
		       STR_LITERAL("\n## Paths that strict allows to any program\n\n"
				   "Beside its own /tmp (read and write) and its own /proc (read). "
				   "The loaders are executed by the kernel, for the program.\n\n"
				   "| path | may be |\n| --- | --- |\n"));
	for (size_t i = 0; (rule = cage_basic_rule(i)); i++) {
		const char *what = "read";

		if (rule->access & CAGE_EXECUTE)
			what = "executed";
		else if (rule->access & CAGE_WRITE)
			what = "read and written";
		buf_printf(out, "| %s | %s |\n", rule->path, what);
	}
}

void sandbox_md_write(struct buf *out)
{
	buf_append_str(out, STR_LITERAL(intro));
	for (enum wall wall = 0; wall < WALL_COUNT; wall++)
		buf_printf(out, "| `%s` | %s |\n", wall_name(wall), wall_text(wall));
	write_paths(out);
	buf_append_str(
		out,
		STR_LITERAL("\n## System calls that are allowed\n\n"
			    "All others are refused and reported. `clone` is allowed without "
			    "the flags that make namespaces; `clone3`, and calls that are newer "
			    "than these lists, fail as if the kernel did not have them.\n"));
	for (size_t i = 0; i < COUNT(groups); i++)
		write_group(i, out);
}
