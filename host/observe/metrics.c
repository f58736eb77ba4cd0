/* The series of every metric.
 *
 * Owns them, each in memory of its own, so that a pointer to one stays good whatever comes later. A
 * counter is never forgotten, because one that fell back to nothing would look like a host that was
 * started again; what bounds their number is the limit of each family, and that nobody outside can
 * choose the values of their labels. What is set instead of counted lives from one
 * metrics_reset() to the next.
 *
 * Rooms ask for series and count; expose.c shows them. It can't fail. */
#include "observe/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) mem_die()
#include <uthash.h>

#include "base/buf.h"
#include "base/mem.h"

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(id, the_kind, the_unit, the_name, the_help, ...)                                    \
	[METRIC_##id] = {METRIC_KIND_##the_kind,                                                   \
			 METRIC_UNIT_##the_unit,                                                   \
			 (the_name),                                                               \
			 (the_help),                                                               \
			 {__VA_ARGS__ __VA_OPT__(, ) NULL}},
#include "observe/metrics.def"
#undef METRIC
};

const int64_t metric_bounds_us[METRIC_BOUNDS] = {
	100,	250,	500,	1000,	 2500,	  5000,	   10000,    25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
};

struct entry {
	struct metric_series series;
	const char *values[METRIC_MAX_LABELS]; /* into the key */
	char *key;			       /* a NUL, and the values, each with its own */
	size_t key_len;
	bool is_set; /* until metrics_reset() */
	UT_hash_handle hh;
};

struct family {
	struct entry *entries; /* by key */
	struct entry *other;   /* in place of those that have no room; NULL: all have */
};

struct metrics {
	size_t max_series;
	uint64_t dropped;
	struct family families[METRIC_COUNT];
};

/* ---- life ---- */

struct metrics *metrics_new(size_t max_series)
{
	struct metrics *metrics = mem_new(struct metrics);

	metrics->max_series = max_series;
	return metrics;
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	free(entry->key);
	free(entry);
}

static void family_drop(struct family *family, bool only_set)
{
	struct entry *entry, *next;

	HASH_ITER (hh, family->entries, entry, next) {
		if (only_set && !entry->is_set)
			continue;
		HASH_DEL(family->entries, entry);
		entry_free(entry);
	}
}

void metrics_reset(struct metrics *metrics)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		family_drop(&metrics->families[i], true);
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		family_drop(&metrics->families[i], false);
		entry_free(metrics->families[i].other);
	}
	free(metrics);
}

/* ---- finding a series ---- */

/* Takes the key. */
static struct entry *entry_new(const struct buf *key)
{
	struct entry *entry = mem_new(struct entry);
	const char *value = (const char *)buf_front(key) + 1;

	entry->key = (char *)buf_front(key);
	entry->key_len = buf_len(key);
	for (size_t i = 0; value < entry->key + entry->key_len; i++) {
		entry->values[i] = value;
		value += strlen(value) + 1;
	}
	entry->series.values = entry->values;
	return entry;
}

static size_t label_count(const struct metric_row *row)
{
	size_t count = 0;

	while (row->labels[count])
		count++;
	return count;
}

static void put_key(struct buf *key, const struct metric_row *row, const struct str *values)
{
	size_t count = label_count(row);

	buf_append(key, "", 1); /* so that there always is one */
	for (size_t i = 0; i < count; i++) {
		assert(!values[i].len || !memchr(values[i].data, '\0', values[i].len));
		buf_append_str(key, values[i]);
		buf_append(key, "", 1);
	}
}

static struct entry *take_other(struct family *family, const struct metric_row *row)
{
	struct str other[METRIC_MAX_LABELS];
	struct buf key = {0};

	if (family->other)
		return family->other;
	for (size_t i = 0; i < METRIC_MAX_LABELS; i++)
		other[i] = STR_LITERAL(METRIC_OTHER);
	put_key(&key, row, other);
	family->other = entry_new(&key);
	return family->other;
}

/* NULL: it has no room. */
static struct entry *take_entry(struct metrics *metrics, enum metric_id id,
				const struct str *values)
{
	struct family *family = &metrics->families[id];
	struct buf key = {0};
	struct entry *entry;

	put_key(&key, &metric_rows[id], values);
	HASH_FIND(hh, family->entries, buf_front(&key), buf_len(&key), entry);
	if (!entry && HASH_COUNT(family->entries) < metrics->max_series) {
		entry = entry_new(&key);
		HASH_ADD_KEYPTR(hh, family->entries, entry->key, entry->key_len, entry);
		return entry;
	}
	if (!entry)
		metrics->dropped++;
	buf_deinit(&key);
	return entry;
}

static struct metric_series *take_series(struct metrics *metrics, enum metric_id id,
					 const struct str *values)
{
	struct entry *entry = take_entry(metrics, id, values);

	return entry ? &entry->series
		     : &take_other(&metrics->families[id], &metric_rows[id])->series;
}

uint64_t *metrics_counter(struct metrics *metrics, enum metric_id id, const struct str *values)
{
	assert(metric_rows[id].kind == METRIC_KIND_COUNTER);
	return metrics ? &take_series(metrics, id, values)->number : NULL;
}

struct metric_histogram *metrics_histogram(struct metrics *metrics, enum metric_id id,
					   const struct str *values)
{
	assert(metric_rows[id].kind == METRIC_KIND_HISTOGRAM);
	return metrics ? &take_series(metrics, id, values)->histogram : NULL;
}

void metrics_set(struct metrics *metrics, enum metric_id id, const struct str *values,
		 uint64_t number)
{
	struct entry *entry;

	assert(metric_rows[id].kind != METRIC_KIND_HISTOGRAM);
	entry = take_entry(metrics, id, values);
	if (!entry)
		return;
	entry->is_set = true;
	entry->series.number = number;
}

/* ---- counting ---- */

void metric_observe(struct metric_histogram *histogram, int64_t us)
{
	int64_t value = us > 0 ? us : 0;
	size_t bucket = 0;

	if (!histogram)
		return;
	while (bucket < METRIC_BOUNDS && value > metric_bounds_us[bucket])
		bucket++;
	histogram->buckets[bucket]++;
	histogram->sum_us += (uint64_t)value;
}

/* ---- showing ---- */

static int compare_series(const void *a, const void *b)
{
	const struct metric_series *left = *(const struct metric_series *const *)a;
	const struct metric_series *right = *(const struct metric_series *const *)b;

	for (size_t i = 0; i < METRIC_MAX_LABELS && left->values[i]; i++) {
		int order = strcmp(left->values[i], right->values[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

size_t metrics_list(const struct metrics *metrics, enum metric_id id,
		    const struct metric_series ***series_out)
{
	const struct family *family = &metrics->families[id];
	const struct metric_series **list =
		mem_array(HASH_COUNT(family->entries) + 1, sizeof(*list));
	size_t count = 0;

	for (const struct entry *entry = family->entries; entry; entry = entry->hh.next)
		list[count++] = &entry->series;
	if (family->other)
		list[count++] = &family->other->series;
	qsort(list, count, sizeof(*list), compare_series);
	*series_out = list;
	return count;
}

uint64_t metrics_dropped(const struct metrics *metrics)
{
	return metrics->dropped;
}
