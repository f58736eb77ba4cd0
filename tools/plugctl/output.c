/* Tables, numbers for people, JSON and errors. Called by every subcommand. Owns a table until it is
 * printed. */
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"
#include "observe/errors.h"

#define GAP 2

/* ---- text ---- */

/* C0, DEL and C1: with these a name could move the cursor. */
static bool is_control(struct str text, size_t bytes)
{
	unsigned char c = (unsigned char)text.data[0];

	if (bytes == 0 || c < 0x20 || c == 0x7f)
		return true;
	return bytes == 2 && c == 0xc2 && (unsigned char)text.data[1] < 0xa0;
}

static size_t put(char *out, struct str text, size_t bytes)
{
	memcpy(out, text.data, bytes);
	return bytes;
}

/* A copy with '?' for what is malformed or controls; *columns_out is its width. Returns owned. */
static char *tame(const char *source, size_t *columns_out)
{
	struct str text = str_from(source);
	char *copy = mem_zalloc(text.len + 1);
	size_t at = 0;

	*columns_out = 0;
	while (text.len > 0) {
		size_t bytes = str_utf8_next(text);

		if (is_control(text, bytes))
			copy[at++] = '?';
		else
			at += put(copy + at, text, bytes);
		bytes += bytes == 0;
		text.data += bytes;
		text.len -= bytes;
		(*columns_out)++;
	}
	return copy;
}

void output_line(const char *text)
{
	size_t columns;
	char *line = tame(text, &columns);

	printf("%s\n", line);
	free(line);
}

void output_note(const char *label, const char *text)
{
	size_t columns;
	char *line = tame(text, &columns);

	fprintf(stderr, "%s: %s\n", label, line);
	free(line);
}

const char *output_ms(char *out, int64_t ms)
{
	if (ms < 0)
		return str_copy(out, OUTPUT_TEXT, str_from("-"));
	units_format_duration_ms(out, ms >= 10000 ? ms - ms % 1000 : ms);
	return out;
}

const char *output_us(char *out, int64_t us)
{
	if (us >= 10000000 || us < 0)
		return output_ms(out, us / 1000);
	if (us < 1000)
		snprintf(out, OUTPUT_TEXT, "%" PRId64 "us", us);
	else
		snprintf(out, OUTPUT_TEXT, "%.1fms", (double)us / 1000);
	return out;
}

const char *output_bytes(char *out, int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 0)
		return str_copy(out, OUTPUT_TEXT, str_from("-"));
	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	snprintf(out, OUTPUT_TEXT, unit ? "%.1f%s" : "%.0f%s", value, units[unit]);
	return out;
}

const char *output_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && text[0] ? text : "-";
}

int64_t output_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* ---- tables ---- */

struct cell {
	char *text;
	size_t columns;
};

struct table {
	size_t columns;
	struct cell *cells; /* the headings are the first row */
	size_t count;
	size_t cap;
};

struct table *table_new(const char *const *headings)
{
	struct table *table = mem_new(struct table);

	for (size_t i = 0; headings[i]; i++)
		table_add(table, headings[i]);
	table->columns = table->count;
	return table;
}

void table_add(struct table *table, const char *text)
{
	struct cell *cell;

	if (table->count == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 64;
		table->cells = mem_realloc(table->cells, table->cap * sizeof(*table->cells));
	}
	cell = &table->cells[table->count++];
	cell->text = tame(text, &cell->columns);
}

void table_addf(struct table *table, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_add(table, text);
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		if (table->cells[i].columns > width)
			width = table->cells[i].columns;
	}
	return width;
}

/* The last column has no blanks behind it. */
static void print_rows(const struct table *table, const size_t *widths)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;
		const struct cell *cell = &table->cells[i];

		if (column + 1 == table->columns)
			printf("%s\n", cell->text);
		else
			printf("%s%*s", cell->text, (int)(widths[column] - cell->columns + GAP),
			       "");
	}
}

static void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_print(struct table *table, const char *empty)
{
	size_t *widths = mem_array(table->columns, sizeof(*widths));

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	if (table->count > table->columns)
		print_rows(table, widths);
	else
		printf("%s\n", empty);
	free(widths);
	table_free(table);
}

/* ---- whole answers ---- */

void output_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

void output_error(const struct err *err)
{
	const struct error_row *row = error_find(err->code);
	size_t columns;
	char *text = tame(err->text, &columns);

	if (row)
		fprintf(stderr, "plugctl: %s (%s %d). %s.\n", text, row->name, row->number,
			row->remedy);
	else
		fprintf(stderr, "plugctl: %s.\n", text);
	free(text);
}
