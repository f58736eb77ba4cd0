/* The meters of methods.
 *
 * Owns them, each in memory of its own: a call may end after the generation that it was made for,
 * and one method has one meter whatever generation answers. Plugins that are swapped again and
 * again could bring new names for ever, so there are so many at most as a metric has series; later
 * ones share the meter whose labels are METRIC_OTHER. The registry asks for them, dispatch counts.
 * It can't fail. */
#include "dispatch/meter.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(message) mem_die()
#include <uthash.h>

#include "base/mem.h"

enum { LABEL_PLUGIN, LABEL_SERVICE, LABEL_METHOD, LABEL_OUTCOME, LABELS };

struct meter {
	struct metrics *metrics;
	uint64_t *outcomes[OUTCOME_COUNT]; /* NULL: none has ended so */
	struct metric_histogram *duration;
	struct metric_histogram *queue;
	char *labels[LABEL_OUTCOME]; /* owned */
	char *key;		     /* "plugin service method": no name has a space; owned */
	UT_hash_handle hh;
};

struct meters {
	struct metrics *metrics;
	struct meter *by_key;
	struct meter *other; /* NULL: all have found room */
};

/* Takes the key. */
static struct meter *meter_new(struct metrics *metrics, char *key, const char *const *labels)
{
	struct meter *meter = mem_new(struct meter);
	struct str values[LABEL_OUTCOME];

	meter->metrics = metrics;
	meter->key = key;
	for (int i = 0; i < LABEL_OUTCOME; i++) {
		meter->labels[i] = mem_strdup(labels[i]);
		values[i] = str_from(meter->labels[i]);
	}
	meter->duration = metrics_histogram(metrics, METRIC_CALL_DURATION, values);
	meter->queue = metrics_histogram(metrics, METRIC_CALL_QUEUE, values);
	return meter;
}

static void meter_free(struct meter *meter)
{
	if (!meter)
		return;
	for (int i = 0; i < LABEL_OUTCOME; i++)
		free(meter->labels[i]);
	free(meter->key);
	free(meter);
}

static struct meter *take_other(struct meters *meters)
{
	static const char *const labels[] = {METRIC_OTHER, METRIC_OTHER, METRIC_OTHER};

	if (!meters->other)
		meters->other = meter_new(meters->metrics, NULL, labels);
	return meters->other;
}

struct meter *meters_take(struct meters *meters, const char *plugin, const char *service,
			  const char *method)
{
	struct meter *meter;
	char *key;

	if (!meters)
		return NULL;
	key = mem_printf("%s %s %s", plugin, service, method);
	HASH_FIND_STR(meters->by_key, key, meter);
	if (meter || HASH_COUNT(meters->by_key) >= METRIC_MAX_SERIES) {
		free(key);
		return meter ? meter : take_other(meters);
	}
	meter = meter_new(meters->metrics, key, (const char *const[]){plugin, service, method});
	HASH_ADD_KEYPTR(hh, meters->by_key, meter->key, strlen(meter->key), meter);
	return meter;
}

/* The first call that ends so makes the series. */
static uint64_t *outcome_counter(struct meter *meter, enum outcome outcome)
{
	struct str values[LABELS];

	if (meter->outcomes[outcome])
		return meter->outcomes[outcome];
	for (int i = 0; i < LABEL_OUTCOME; i++)
		values[i] = str_from(meter->labels[i]);
	values[LABEL_OUTCOME] = str_from(outcome_row(outcome)->name);
	meter->outcomes[outcome] = metrics_counter(meter->metrics, METRIC_CALLS, values);
	return meter->outcomes[outcome];
}

void meter_count(struct meter *meter, enum outcome outcome, int64_t queue_us, int64_t plugin_us)
{
	if (!meter)
		return;
	metric_add(outcome_counter(meter, outcome), 1);
	metric_observe(meter->duration, queue_us + plugin_us);
	metric_observe(meter->queue, queue_us);
}

struct meters *meters_new(struct metrics *metrics)
{
	struct meters *meters = mem_new(struct meters);

	meters->metrics = metrics;
	return meters;
}

void meters_free(struct meters *meters)
{
	struct meter *meter, *next;

	if (!meters)
		return;
	HASH_ITER (hh, meters->by_key, meter, next) {
		HASH_DEL(meters->by_key, meter);
		meter_free(meter);
	}
	meter_free(meters->other);
	free(meters);
}
