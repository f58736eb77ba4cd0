/* Durations and sizes, in both directions. */
#include "base/units.h"
#include "tests/support/unit.h"

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"0", 0},	  {"0s", 0},
		{"250ms", 250},	  {"5s", 5000},
		{"1m30s", 90000}, {"2h", 7200000},
		{"1d", 86400000}, {"1d1h1m1s1ms", 90061001},
		{"90m", 5400000}, {"36500d", 3153600000000},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = -1;
		assert_true(units_parse_duration_ms(str_from(cases[i].text), &ms));
		assert_int_equal(ms, cases[i].ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"5",
		"s",
		"-5s",
		"+5s",
		"1.5s",
		"5 s",
		" 5s",
		"5s ",
		"30s1m",
		"1s1s",
		"5S",
		"5sec",
		"5us",
		"1m30",
		"36501d",
		"99999999999999999999s",
		"36500d1ms",
		"18446744073709551615ms",
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = -1;
		if (units_parse_duration_ms(str_from(cases[i]), &ms))
			fail_msg("%s", cases[i]);
		assert_int_equal(ms, -1);
	}
}

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},
		{"512", 512},
		{"512B", 512},
		{"64KiB", 65536},
		{"10MiB", 10485760},
		{"1GiB", 1 << 30},
		{"500kB", 500000},
		{"2MB", 2000000},
		{"1GB", 1000000000},
		{"4611686018427387904", UINT64_C(1) << 62},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t bytes = 77;
		assert_true(units_parse_bytes(str_from(cases[i].text), &bytes));
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"KiB",
		"-1",
		"1.5MiB",
		"10 MiB",
		"10mib",
		"10M",
		"1KiB1B",
		"10KB",
		"1TiB",
		"4611686018427387905",
		"4294967297GiB",
		"99999999999999999999999",
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t bytes = 77;
		if (units_parse_bytes(str_from(cases[i]), &bytes))
			fail_msg("%s", cases[i]);
		assert_int_equal(bytes, 77);
	}
}

static void durations_are_written_from_their_largest_unit_down(void **state)
{
	char out[UNITS_TEXT];

	units_format_duration_ms(out, 0);
	assert_string_equal(out, "0");
	units_format_duration_ms(out, 250);
	assert_string_equal(out, "250ms");
	units_format_duration_ms(out, 90000);
	assert_string_equal(out, "1m30s");
	units_format_duration_ms(out, 90061001);
	assert_string_equal(out, "1d1h1m1s1ms");
	units_format_duration_ms(out, -1500);
	assert_string_equal(out, "-1s500ms");
	units_format_duration_ms(out, INT64_MIN);
	assert_true(strlen(out) < UNITS_TEXT);
}

static void sizes_are_written_in_the_unit_that_is_shortest(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{1000, "1kB"},
		{1023, "1023"},
		{1024, "1KiB"},
		{10485760, "10MiB"},
		{1500000, "1500kB"},
		{UINT64_C(3) << 30, "3GiB"},
		{1025, "1025"},
	};
	char out[UNITS_TEXT];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		units_format_bytes(out, cases[i].bytes);
		assert_string_equal(out, cases[i].text);
	}
}

static void what_is_written_is_read_as_the_same(void **state)
{
	char out[UNITS_TEXT];

	for (uint64_t value = 1; value < UINT64_C(3000000000000); value = value * 3 + value % 7) {
		int64_t ms;
		uint64_t bytes;
		units_format_duration_ms(out, (int64_t)value);
		assert_true(units_parse_duration_ms(str_from(out), &ms));
		assert_int_equal(ms, value);
		units_format_bytes(out, value);
		assert_true(units_parse_bytes(str_from(out), &bytes));
		assert_int_equal(bytes, value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(durations_are_written_from_their_largest_unit_down),
		cmocka_unit_test(sizes_are_written_in_the_unit_that_is_shortest),
		cmocka_unit_test(what_is_written_is_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
