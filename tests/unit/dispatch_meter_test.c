/* Meters: one for each method, whoever answers, and no more than there may be. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/meter.h"
#include "observe/expose.h"
#include "tests/support/unit.h"

struct world {
	struct metrics *metrics;
	struct meters *meters;
};

static int setup(void **state)
{
	struct world *world = mem_new(struct world);

	world->metrics = metrics_new(METRIC_MAX_SERIES);
	world->meters = meters_new(world->metrics);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	meters_free(world->meters);
	metrics_free(world->metrics);
	free(world);
	return 0;
}

static void assert_shows(const struct world *world, const char *lines)
{
	struct buf out = {0};

	expose_write(world->metrics, &out);
	buf_append(&out, "", 1);
	if (!strstr((char *)buf_front(&out), lines))
		fail_msg("not shown:\n%s\nin:\n%s", lines, (char *)buf_front(&out));
	buf_deinit(&out);
}

static void a_method_has_one_meter(void **state)
{
	struct world *world = *state;
	struct meter *get = meters_take(world->meters, "kv", "kv.v1.Kv", "Get");

	assert_ptr_not_equal(get, meters_take(world->meters, "kv", "kv.v1.Kv", "Put"));
	assert_ptr_not_equal(get, meters_take(world->meters, "spare", "kv.v1.Kv", "Get"));
	assert_ptr_equal(get, meters_take(world->meters, "kv", "kv.v1.Kv", "Get"));
}

static void a_call_is_counted_with_its_outcome_and_its_times(void **state)
{
	struct world *world = *state;
	struct meter *meter = meters_take(world->meters, "kv", "kv.v1.Kv", "Get");

	meter_count(meter, OUTCOME_OK, 50, 150);
	meter_count(meter, OUTCOME_OK, 0, 90);
	meter_count(meter, OUTCOME_PLUGIN_GONE, 0, 700);
	assert_shows(world, "plugd_calls_total{plugin=\"kv\",service=\"kv.v1.Kv\",method=\"Get\","
			    "outcome=\"OK\"} 2\n"
			    "plugd_calls_total{plugin=\"kv\",service=\"kv.v1.Kv\",method=\"Get\","
			    "outcome=\"PLUGIN_GONE\"} 1\n#");
	assert_shows(world, "plugd_call_duration_seconds_bucket{plugin=\"kv\","
			    "service=\"kv.v1.Kv\",method=\"Get\",le=\"0.0001\"} 1\n"
			    "plugd_call_duration_seconds_bucket{plugin=\"kv\","
			    "service=\"kv.v1.Kv\",method=\"Get\",le=\"0.00025\"} 2\n");
	assert_shows(world, "plugd_call_duration_seconds_sum{plugin=\"kv\",service=\"kv.v1.Kv\","
			    "method=\"Get\"} 0.00099\n");
	assert_shows(world, "plugd_call_queue_seconds_sum{plugin=\"kv\",service=\"kv.v1.Kv\","
			    "method=\"Get\"} 0.00005\n");
}

static void methods_without_end_share_a_meter_at_last(void **state)
{
	struct world *world = *state;
	struct meter *last = NULL;

	for (int i = 0; i < METRIC_MAX_SERIES + 2; i++) {
		char name[32];

		snprintf(name, sizeof(name), "M%d", i);
		last = meters_take(world->meters, "kv", "kv.v1.Kv", name);
	}
	assert_ptr_equal(last, meters_take(world->meters, "kv", "kv.v1.Kv", "Another"));
	meter_count(last, OUTCOME_OK, 0, 1);
	assert_shows(world, "plugd_calls_total{plugin=\"(other)\",service=\"(other)\","
			    "method=\"(other)\",outcome=\"OK\"} 1\n");
}

static void without_meters_nothing_is_counted(void **state)
{
	struct meter *meter = meters_take(NULL, "kv", "kv.v1.Kv", "Get");

	assert_null(meter);
	meter_count(meter, OUTCOME_OK, 1, 1);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_method_has_one_meter),
		IN_WORLD(a_call_is_counted_with_its_outcome_and_its_times),
		IN_WORLD(methods_without_end_share_a_meter_at_last),
		cmocka_unit_test(without_meters_nothing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
