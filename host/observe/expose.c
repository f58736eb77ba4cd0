/* The metrics as text, one family after the other.
 *
 * A family's HELP and TYPE are there even when it has no series yet, so that a reader can tell what
 * has not happened from what does not exist. Texts of labels are the operator's and the plugins':
 * they are escaped, and what is not UTF-8 in them is replaced, so that nothing in them can begin
 * another line or make the reader refuse the page. Owns nothing, can't fail. */
#include "observe/expose.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char *const kind_names[] = {
	[METRIC_KIND_COUNTER] = "counter",
	[METRIC_KIND_GAUGE] = "gauge",
	[METRIC_KIND_HISTOGRAM] = "histogram",
};

/* ---- texts and numbers ---- */

static void put_escaped(struct buf *out, const char *text)
{
	struct str left = str_from(text);

	while (left.len > 0) {
		size_t len = str_utf8_next(left);

		if (*left.data == '\n')
			buf_append(out, "\\n", 2);
		else if (*left.data == '\\' || *left.data == '"')
			buf_append(out, (const char[]){'\\', *left.data}, 2);
		else if (len == 0)
			buf_append_str(out, STR_LITERAL(REPLACEMENT));
		else
			buf_append(out, left.data, len);
		len = len ? len : 1;
		left = (struct str){left.data + len, left.len - len};
	}
}

void expose_put_seconds(struct buf *out, uint64_t us)
{
	char digits[8] = "";
	uint64_t rest = us % 1000000;
	int len = 6;

	buf_printf(out, "%" PRIu64, us / 1000000);
	if (rest == 0)
		return;
	for (; rest % 10 == 0; rest /= 10)
		len--;
	for (int i = len; i-- > 0; rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	buf_printf(out, ".%s", digits);
}

static void put_number(struct buf *out, enum metric_unit unit, uint64_t number)
{
	if (unit == METRIC_UNIT_SECONDS)
		expose_put_seconds(out, number);
	else
		buf_printf(out, "%" PRIu64, number);
}

/* ---- lines ---- */

/* "name{a="x",b="y",le="…"} ": `le` is open when it is a bucket's. */
static void put_name(struct buf *out, const struct metric_row *row,
		     const struct metric_series *series, const char *suffix)
{
	const char *mark = "{";

	buf_printf(out, "%s%s", row->name, suffix);
	for (size_t i = 0; row->labels[i]; i++) {
		buf_printf(out, "%s%s=\"", mark, row->labels[i]);
		put_escaped(out, series->values[i]);
		buf_append(out, "\"", 1);
		mark = ",";
	}
	if (strcmp(suffix, "_bucket") == 0)
		buf_printf(out, "%sle=\"", mark);
	else
		buf_append_str(out, row->labels[0] ? STR_LITERAL("} ") : STR_LITERAL(" "));
}

static void put_histogram(struct buf *out, const struct metric_row *row,
			  const struct metric_series *series)
{
	const struct metric_histogram *histogram = &series->histogram;
	uint64_t count = 0;

	for (size_t i = 0; i <= METRIC_BOUNDS; i++) {
		count += histogram->buckets[i];
		put_name(out, row, series, "_bucket");
		if (i < METRIC_BOUNDS)
			expose_put_seconds(out, (uint64_t)metric_bounds_us[i]);
		else
			buf_append_str(out, STR_LITERAL("+Inf"));
		buf_printf(out, "\"} %" PRIu64 "\n", count);
	}
	put_name(out, row, series, "_sum");
	expose_put_seconds(out, histogram->sum_us);
	buf_append(out, "\n", 1);
	put_name(out, row, series, "_count");
	buf_printf(out, "%" PRIu64 "\n", count);
}

static void put_series(struct buf *out, const struct metric_row *row,
		       const struct metric_series *series)
{
	if (row->kind == METRIC_KIND_HISTOGRAM) {
		put_histogram(out, row, series);
		return;
	}
	put_name(out, row, series, "");
	put_number(out, row->unit, series->number);
	buf_append(out, "\n", 1);
}

void expose_write(const struct metrics *metrics, struct buf *out)
{
	for (unsigned id = 0; id < METRIC_COUNT; id++) {
		const struct metric_row *row = &metric_rows[id];
		const struct metric_series **list;
		size_t count = metrics_list(metrics, (enum metric_id)id, &list);

		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			   kind_names[row->kind]);
		for (size_t i = 0; i < count; i++)
			put_series(out, row, list[i]);
		free(list);
	}
}
