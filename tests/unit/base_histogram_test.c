/* Quantiles of a log-linear histogram: never too low, never more than an eighth too high. */
#include "base/histogram.h"
#include "tests/support/unit.h"

static void an_empty_one_knows_nothing(void **state)
{
	struct histogram histogram = {0};

	assert_int_equal(histogram_quantile(&histogram, 990), 0);
}

static void small_values_are_exact(void **state)
{
	for (int64_t value = 0; value < 8; value++) {
		struct histogram histogram = {0};

		histogram_add(&histogram, value);
		assert_int_equal(histogram_quantile(&histogram, 1000), value);
	}
}

static void every_value_lies_in_its_bucket(void **state)
{
	for (int64_t value = 1; value < INT64_C(1) << 40; value += 1 + value / 3) {
		struct histogram histogram = {0};
		int64_t told;

		histogram_add(&histogram, value);
		told = histogram_quantile(&histogram, 500);
		assert_true(told >= value);
		assert_true(told <= value + value / 8);
	}
}

static void quantiles_count_from_the_least(void **state)
{
	struct histogram histogram = {0};

	for (int64_t value = 0; value < 990; value++)
		histogram_add(&histogram, 3);
	for (int64_t value = 0; value < 10; value++)
		histogram_add(&histogram, 7);
	assert_int_equal(histogram_quantile(&histogram, 0), 3);
	assert_int_equal(histogram_quantile(&histogram, 500), 3);
	assert_int_equal(histogram_quantile(&histogram, 990), 3);
	assert_int_equal(histogram_quantile(&histogram, 991), 7);
	assert_int_equal(histogram_quantile(&histogram, 1000), 7);
}

static void what_is_out_of_range_counts_at_its_end(void **state)
{
	struct histogram histogram = {0};

	histogram_add(&histogram, -5);
	assert_int_equal(histogram_quantile(&histogram, 1000), 0);
	histogram_add(&histogram, INT64_MAX);
	assert_true(histogram_quantile(&histogram, 1000) > INT64_C(1) << 40);
	assert_int_equal(histogram.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_knows_nothing),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(every_value_lies_in_its_bucket),
		cmocka_unit_test(quantiles_count_from_the_least),
		cmocka_unit_test(what_is_out_of_range_counts_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
