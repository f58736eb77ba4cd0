/* What is counted, and where: the table of metrics (metrics.def) with their series.
 *
 * A series is asked for once, where a route, a plugin or a method comes into being, and counted
 * through the pointer from then on:
 *
 *	uint64_t *refused = metrics_counter(metrics, METRIC_HTTP_REFUSED,
 *					    (const struct str[]){reason});
 *	metric_add(refused, 1);
 *
 * What is known elsewhere anyway is not counted again: it is looked up when somebody asks, and set
 * with metrics_set(). Pure. */
#ifndef PLUGD_OBSERVE_METRICS_H
#define PLUGD_OBSERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum metric_id {
#define METRIC(name, ...) METRIC_##name,
#include "observe/metrics.def"
#undef METRIC
	METRIC_COUNT,
};

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };
enum metric_unit { METRIC_UNIT_NUMBER, METRIC_UNIT_BYTES, METRIC_UNIT_SECONDS };

#define METRIC_MAX_LABELS 4

struct metric_row {
	enum metric_kind kind;
	enum metric_unit unit; /* SECONDS are counted in microseconds */
	const char *name;
	const char *help;
	const char *labels[METRIC_MAX_LABELS + 1]; /* NULL-terminated */
};

extern const struct metric_row metric_rows[METRIC_COUNT];

/* Upper ends of the buckets of every histogram, inclusive, in microseconds; the last bucket, which
 * has none, holds what is above. */
#define METRIC_BOUNDS 17
extern const int64_t metric_bounds_us[METRIC_BOUNDS];

struct metric_histogram {
	uint64_t buckets[METRIC_BOUNDS + 1];
	uint64_t sum_us;
};

struct metric_series {
	const char *const *values; /* of the labels, in the row's order */
	union {
		uint64_t number;
		struct metric_histogram histogram;
	};
};

struct metrics;

/* A family has so many series at most; those that come later are counted together in one whose
 * labels are all METRIC_OTHER, which no name and no pattern can be. */
#define METRIC_MAX_SERIES 10000
#define METRIC_OTHER	  "(other)"

/* `max_series`: as above, of each family; for tests. Returns owned. */
struct metrics *metrics_new(size_t max_series);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* The series with those values of the row's labels, which hold no NUL; made with the first call.
 * Copies the values. Valid until metrics_free(). NULL when `metrics` is NULL. */
uint64_t *metrics_counter(struct metrics *metrics, enum metric_id id, const struct str *values);
struct metric_histogram *metrics_histogram(struct metrics *metrics, enum metric_id id,
					   const struct str *values);

/* Count. NULL counts nowhere. */
static inline void metric_add(uint64_t *counter, uint64_t more)
{
	if (counter)
		*counter += more;
}

void metric_observe(struct metric_histogram *histogram, int64_t us); /* below 0 is 0 */

/* Forgets what was set, so that it can be set anew. What is not shows no more. */
void metrics_reset(struct metrics *metrics);

/* Sets a gauge, or a counter that is kept elsewhere; until metrics_reset(). */
void metrics_set(struct metrics *metrics, enum metric_id id, const struct str *values,
		 uint64_t number);

/* All series of a family, sorted by their values. Returns their number; *series_out is owned (one
 * free()), the series are valid until the next call. */
size_t metrics_list(const struct metrics *metrics, enum metric_id id,
		    const struct metric_series ***series_out);

/* Series that found no place so far, of all families. */
uint64_t metrics_dropped(const struct metrics *metrics);

#endif
