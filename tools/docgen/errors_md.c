/* docs/ERRORS.md from observe/errors.def. */
#include "docgen.h"
#include "observe/errors.h"

struct range {
	int first;
	int last;
	const char *name;
};

static const struct range ranges[] = {
	{1000, 1099, "Configuration"},	  {1100, 1199, "Authentication"},
	{1200, 1299, "Plugin execution"}, {1300, 1399, "Transport"},
	{1400, 1499, "Circuit breaker"},  {1500, 1599, "Rate limit"},
	{1600, 1699, "Health"},		  {1700, 1799, "Reload"},
	{1800, 1899, "Security"},	  {1900, 1999, "Registry"},
	{2000, 2099, "Protocol"},
};

static const char intro[] = "# Errors\n"
			    "\n"
			    "<!-- Generated from host/observe/errors.def: change it there. -->\n"
			    "\n"
			    "What operators and authors are told carries one of these numbers. A "
			    "number keeps its meaning "
			    "for ever.\n";

/* Markdown takes "<word>" for HTML, and "|" for the end of a column. */
static void write_plain(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '<')
			buf_append_str(out, STR_LITERAL("&lt;"));
		else if (*text == '|')
			buf_append_str(out, STR_LITERAL("\\|"));
		else
			buf_append(out, text, 1);
	}
}

static void write_range(const struct range *range, struct buf *out)
{
	bool begun = false;

	for (size_t i = 0; i < error_row_count; i++) {
		const struct error_row *row = &error_rows[i];
		if (row->number < range->first || row->number > range->last)
			continue;
		if (!begun)
			buf_printf(out,
				   "\n## %s (%d to %d)\n\n| | what happened | what to do |\n| --- "
				   "| --- | --- |\n",
				   range->name, range->first, range->last);
		begun = true;
		buf_printf(out, "| %d `%s` | ", row->number, row->name);
		write_plain(row->what, out);
		buf_append_str(out, STR_LITERAL(". | "));
		write_plain(row->remedy, out);
		buf_append_str(out, STR_LITERAL(". |\n"));
	}
}

void errors_md_write(struct buf *out)
{
	buf_append_str(out, STR_LITERAL(intro));
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		write_range(&ranges[i], out);
}
