/* Metrics: the table, the series with their limit, and the text that Prometheus reads. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/expose.h"
#include "observe/metrics.h"
#include "tests/support/unit.h"

#define REASON(text) ((const struct str[]){STR_LITERAL(text)})

static struct metrics *metrics;

static int set_up(void **state)
{
	metrics = metrics_new(METRIC_MAX_SERIES);
	return 0;
}

static int tear_down(void **state)
{
	metrics_free(metrics);
	return 0;
}

/* Owned. */
static char *exposed(void)
{
	struct buf out = {0};

	expose_write(metrics, &out);
	buf_append(&out, "", 1);
	return (char *)buf_front(&out);
}

static void assert_shows(const char *lines)
{
	char *text = exposed();

	if (!strstr(text, lines))
		fail_msg("not shown:\n%s\nin:\n%s", lines, text);
	free(text);
}

static void assert_hides(const char *part)
{
	char *text = exposed();

	if (strstr(text, part))
		fail_msg("shown: %s", part);
	free(text);
}

/* ---- the table ---- */

static bool ends_in(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void every_row_follows_the_rules_for_names(void **state)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metric_rows[i];

		assert_int_equal(strncmp(row->name, "plugd_", 6), 0);
		for (const char *c = row->name; *c; c++)
			assert_true(islower(*c) || *c == '_');
		assert_int_equal(ends_in(row->name, "_total"), row->kind == METRIC_KIND_COUNTER);
		if (row->unit == METRIC_UNIT_BYTES)
			assert_non_null(strstr(row->name, "_bytes"));
		assert_int_equal(row->unit == METRIC_UNIT_SECONDS, ends_in(row->name, "_seconds"));
		if (row->kind == METRIC_KIND_HISTOGRAM)
			assert_int_equal(row->unit, METRIC_UNIT_SECONDS);
		assert_null(strpbrk(row->help, "\\\n"));
		assert_false(ends_in(row->help, "."));
	}
}

static void no_name_is_there_twice(void **state)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(metric_rows[i].name, metric_rows[j].name);
	}
}

static void the_bounds_of_histograms_rise(void **state)
{
	for (unsigned i = 1; i < METRIC_BOUNDS; i++)
		assert_true(metric_bounds_us[i] > metric_bounds_us[i - 1]);
}

/* ---- series ---- */

static void the_same_labels_are_the_same_series(void **state)
{
	uint64_t *first = metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("a"));
	uint64_t *other = metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("b"));

	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		metrics_counter(metrics, METRIC_HTTP_REFUSED, (const struct str[]){str_from(name)});
	}
	assert_ptr_not_equal(first, other);
	assert_ptr_equal(first, metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("a")));
}

static void no_two_lists_of_labels_are_taken_for_one(void **state)
{
	const struct str a[] = {STR_LITERAL("x"), STR_LITERAL("yz")};
	const struct str b[] = {STR_LITERAL("xy"), STR_LITERAL("z")};
	const struct str c[] = {STR_LITERAL(""), STR_LITERAL("xyz")};

	metric_add(metrics_counter(metrics, METRIC_HTTP_REQUESTS, a), 1);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REQUESTS, b), 2);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REQUESTS, c), 3);
	assert_shows("{route=\"\",status=\"xyz\"} 3\n"
		     "plugd_http_requests_total{route=\"x\",status=\"yz\"} 1\n"
		     "plugd_http_requests_total{route=\"xy\",status=\"z\"} 2\n");
}

static void what_finds_no_room_is_counted_together(void **state)
{
	struct metrics *large = metrics;

	metrics = metrics_new(2);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("a")), 1);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("b")), 2);
	assert_int_equal(metrics_dropped(metrics), 0);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("c")), 10);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("d")), 20);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("a")), 100);
	assert_int_equal(metrics_dropped(metrics), 2);
	assert_shows("plugd_http_refused_total{reason=\"(other)\"} 30\n"
		     "plugd_http_refused_total{reason=\"a\"} 101\n"
		     "plugd_http_refused_total{reason=\"b\"} 2\n"
		     "#");
	/* Another family has room of its own. */
	metric_add(metrics_counter(metrics, METRIC_HTTP_RESPONSES, REASON("200")), 5);
	assert_shows("plugd_http_responses_total{status=\"200\"} 5\n");
	metrics_free(metrics);
	metrics = large;
}

static void a_gauge_without_room_is_not_shown(void **state)
{
	struct metrics *large = metrics;

	metrics = metrics_new(1);
	metrics_set(metrics, METRIC_PLUGIN_READY, REASON("a"), 1);
	metrics_set(metrics, METRIC_PLUGIN_READY, REASON("b"), 7);
	assert_shows("plugd_plugin_instances_ready{plugin=\"a\"} 1\n#");
	assert_int_equal(metrics_dropped(metrics), 1);
	metrics_free(metrics);
	metrics = large;
}

static void what_is_not_set_again_is_forgotten_and_what_is_counted_stays(void **state)
{
	metrics_set(metrics, METRIC_PLUGIN_READY, REASON("a"), 1);
	metrics_set(metrics, METRIC_PLUGIN_READY, REASON("b"), 2);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("x")), 3);
	metrics_reset(metrics);
	metrics_set(metrics, METRIC_PLUGIN_READY, REASON("b"), 4);
	assert_shows("plugd_plugin_instances_ready{plugin=\"b\"} 4\n#");
	assert_hides("plugin=\"a\"");
	assert_shows("plugd_http_refused_total{reason=\"x\"} 3\n");
}

static void without_metrics_nothing_is_counted(void **state)
{
	uint64_t *counter = metrics_counter(NULL, METRIC_HTTP_REFUSED, REASON("a"));
	struct metric_histogram *histogram =
		metrics_histogram(NULL, METRIC_HTTP_DURATION, REASON("a"));

	assert_null(counter);
	assert_null(histogram);
	metric_add(counter, 1);
	metric_observe(histogram, 1);
}

/* ---- the text ---- */

static void a_family_without_series_has_its_head(void **state)
{
	char *text = exposed();
	char *head;

	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		head = mem_printf("# HELP %s %s\n# TYPE %s ", metric_rows[i].name,
				  metric_rows[i].help, metric_rows[i].name);
		assert_non_null(strstr(text, head));
		free(head);
	}
	free(text);
}

static void labels_can_not_break_out(void **state)
{
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("a\"} 9\nplugd_ready 0\\")),
		   1);
	metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED, REASON("\xc3\xa4\xff\xc3")), 2);
	assert_shows("{reason=\"a\\\"} 9\\nplugd_ready 0\\\\\"} 1\n");
	assert_shows("{reason=\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"} 2\n");
}

static void the_same_numbers_are_the_same_text(void **state)
{
	static const char *const names[] = {"m", "b", "z", "a", "k"};
	struct metrics *first = metrics;
	char *one, *two;

	for (int i = 0; i < 5; i++)
		metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED,
					   (const struct str[]){str_from(names[i])}),
			   1);
	one = exposed();
	metrics = metrics_new(METRIC_MAX_SERIES);
	for (int i = 5; i-- > 0;)
		metric_add(metrics_counter(metrics, METRIC_HTTP_REFUSED,
					   (const struct str[]){str_from(names[i])}),
			   1);
	two = exposed();
	assert_string_equal(one, two);
	free(one);
	free(two);
	metrics_free(metrics);
	metrics = first;
}

static void seconds_are_exact(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} rows[] = {{0, "0"},
		    {1, "0.000001"},
		    {100, "0.0001"},
		    {250, "0.00025"},
		    {1000000, "1"},
		    {2500000, "2.5"},
		    {30000000, "30"},
		    {123456, "0.123456"},
		    {1000010, "1.00001"},
		    {UINT64_MAX, "18446744073709.551615"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};

		expose_put_seconds(&out, rows[i].us);
		buf_append(&out, "", 1);
		assert_string_equal((char *)buf_front(&out), rows[i].text);
		buf_deinit(&out);
	}
}

static void buckets_hold_what_is_not_above_them(void **state)
{
	struct metric_histogram *histogram =
		metrics_histogram(metrics, METRIC_HTTP_DURATION, REASON("/x"));

	metric_observe(histogram, -5);
	metric_observe(histogram, 100);	     /* the end belongs to the bucket */
	metric_observe(histogram, 101);	     /* and what is above to the next */
	metric_observe(histogram, 30000000); /* the last that has an end */
	metric_observe(histogram, 30000001);
	metric_observe(histogram, INT64_C(90000000));
	assert_shows("plugd_http_request_duration_seconds_bucket{route=\"/x\",le=\"0.0001\"} 2\n"
		     "plugd_http_request_duration_seconds_bucket{route=\"/x\",le=\"0.00025\"} 3\n"
		     "plugd_http_request_duration_seconds_bucket{route=\"/x\",le=\"0.0005\"} 3\n");
	assert_shows("{route=\"/x\",le=\"10\"} 3\n"
		     "plugd_http_request_duration_seconds_bucket{route=\"/x\",le=\"30\"} 4\n"
		     "plugd_http_request_duration_seconds_bucket{route=\"/x\",le=\"+Inf\"} 6\n"
		     "plugd_http_request_duration_seconds_sum{route=\"/x\"} 150.000202\n"
		     "plugd_http_request_duration_seconds_count{route=\"/x\"} 6\n");
}

static void a_histogram_without_labels_has_buckets_too(void **state)
{
	metric_observe(metrics_histogram(metrics, METRIC_TURN, NULL), 1);
	assert_shows("plugd_loop_turn_seconds_bucket{le=\"0.0001\"} 1\n");
	assert_shows("plugd_loop_turn_seconds_sum 0.000001\nplugd_loop_turn_seconds_count 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_row_follows_the_rules_for_names, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_name_is_there_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_bounds_of_histograms_rise, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_labels_are_the_same_series, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_two_lists_of_labels_are_taken_for_one, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_finds_no_room_is_counted_together, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_gauge_without_room_is_not_shown, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_not_set_again_is_forgotten_and_what_is_counted_stays, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(without_metrics_nothing_is_counted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_family_without_series_has_its_head, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(labels_can_not_break_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_numbers_are_the_same_text, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(seconds_are_exact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(buckets_hold_what_is_not_above_them, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_histogram_without_labels_has_buckets_too, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
