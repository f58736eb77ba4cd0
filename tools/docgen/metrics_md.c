/* docs/METRICS.md from observe/metrics.def. */
#include "docgen.h"
#include "observe/expose.h"
#include "observe/metrics.h"

/* A part begins with this metric. */
static const struct {
	enum metric_id first;
	const char *title;
} parts[] = {
	{METRIC_HTTP_REQUESTS, "Edge"},
	{METRIC_CALLS, "Calls"},
	{METRIC_PLUGIN_STATE, "Plugins"},
	{METRIC_BUILD_INFO, "Process"},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static const char intro[] =
	"# Metrics\n"
	"\n"
	"<!-- Generated from host/observe/metrics.def: change it there. -->\n"
	"\n"
	"`GET /metrics` on the address of `admin.http` shows these as Prometheus reads them (text "
	"format 0.0.4). docs/OPERATIONS.md tells how to switch it on and what to watch.\n"
	"\n";

static const char *const kinds[] = {
	[METRIC_KIND_COUNTER] = "counter",
	[METRIC_KIND_GAUGE] = "gauge",
	[METRIC_KIND_HISTOGRAM] = "histogram",
};

static const char *const units[] = {
	[METRIC_UNIT_NUMBER] = "",
	[METRIC_UNIT_BYTES] = "bytes",
	[METRIC_UNIT_SECONDS] = "seconds",
};

static void write_bounds(struct buf *out)
{
	buf_append_str(out, STR_LITERAL("The buckets of every histogram end, in seconds, at "));
	for (size_t i = 0; i < METRIC_BOUNDS; i++) {
		buf_append_str(out, i ? STR_LITERAL(", ") : STR_LITERAL(""));
		expose_put_seconds(out, (uint64_t)metric_bounds_us[i]);
	}
	buf_append_str(out, STR_LITERAL(" and +Inf.\n"));
}

static void write_limits(struct buf *out)
{
	buf_printf(
		out,
		"\nThe values of labels come from the configuration, from plugins' manifests and "
		"from plugd itself, never from a client. A metric has %d series at most: what "
		"comes later is counted together, with `%s` for every label, and "
		"`plugd_metrics_series_dropped_total` tells how many those are. A series that is "
		"counted begins with the first thing that it counts, and stays until the host "
		"ends; one that shows how something is now goes with it.\n",
		METRIC_MAX_SERIES, METRIC_OTHER);
}

static void write_labels(const struct metric_row *row, struct buf *out)
{
	for (size_t i = 0; row->labels[i]; i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", row->labels[i]);
}

static void write_row(const struct metric_row *row, struct buf *out)
{
	buf_printf(out, "| `%s` | %s | %s | ", row->name, kinds[row->kind], units[row->unit]);
	write_labels(row, out);
	buf_printf(out, " | %s. |\n", row->help);
}

static void write_part(size_t part, struct buf *out)
{
	unsigned end = part + 1 < PARTS ? parts[part + 1].first : METRIC_COUNT;

	buf_printf(out,
		   "\n## %s\n\n| metric | kind | unit | labels | |\n| --- | --- | --- | --- | "
		   "--- |\n",
		   parts[part].title);
	for (unsigned id = parts[part].first; id < end; id++)
		write_row(&metric_rows[id], out);
}

void metrics_md_write(struct buf *out)
{
	buf_append_str(out, STR_LITERAL(intro));
	write_bounds(out);
	write_limits(out);
	for (size_t part = 0; part < PARTS; part++)
		write_part(part, out);
}
