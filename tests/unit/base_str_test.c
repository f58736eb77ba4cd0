/* Borrowed text: comparing, trimming, numbers, hexadecimal, UTF-8, and how far two words are
 * apart. */
#include "base/str.h"
#include "tests/support/unit.h"

#define S(text) STR_LITERAL(text)
static const struct str none = {0};

static void equal_means_every_byte(void **state)
{
	assert_true(str_eq(S("abc"), S("abc")));
	assert_true(str_eq(none, S("")));
	assert_false(str_eq(S("abc"), S("abd")));
	assert_false(str_eq(S("abc"), S("ab")));
	assert_true(str_eq(S("a\0b"), S("a\0b")));
	assert_true(str_eq_nocase(S("Content-LENGTH"), S("content-length")));
	assert_false(str_eq_nocase(S("["), S("{")));
	assert_false(str_eq_nocase(S("Ä"), S("ä")));
	assert_true(str_starts_with(S("sha256:ab"), S("sha256:")));
	assert_true(str_starts_with(S("x"), none));
	assert_false(str_starts_with(S("sha"), S("sha256:")));
}

static void order_is_by_bytes_and_the_shorter_first(void **state)
{
	assert_true(str_compare(S("a"), S("b")) < 0);
	assert_true(str_compare(S("ab"), S("a")) > 0);
	assert_true(str_compare(none, S("a")) < 0);
	assert_int_equal(str_compare(none, S("")), 0);
	assert_true(str_compare(S("\xff"), S("a")) > 0);
}

static void trimming_takes_spaces_and_tabs_only(void **state)
{
	assert_str(str_trim(S(" \t a b\t ")), "a b");
	assert_str(str_trim(S("\r\n")), "\r\n");
	assert_int_equal(str_trim(S("  \t")).len, 0);
	assert_int_equal(str_trim(none).len, 0);
}

static void copies_are_cut_and_always_terminated(void **state)
{
	char out[4] = "zzz";

	assert_string_equal(str_copy(out, sizeof(out), S("ab")), "ab");
	assert_string_equal(str_copy(out, sizeof(out), S("abcdef")), "abc");
	assert_string_equal(str_copy(out, 1, S("abc")), "");
	assert_string_equal(str_copy(out, sizeof(out), none), "");
}

static void numbers_are_digits_up_to_the_limit(void **state)
{
	uint64_t value = 99;

	assert_true(str_to_u64(S("0"), 10, &value) && value == 0);
	assert_true(str_to_u64(S("007"), 10, &value) && value == 7);
	assert_true(str_to_u64(S("10"), 10, &value) && value == 10);
	assert_true(str_to_u64(S("18446744073709551615"), UINT64_MAX, &value) &&
		    value == UINT64_MAX);
	value = 5;
	assert_false(str_to_u64(S("11"), 10, &value));
	assert_false(str_to_u64(S("18446744073709551616"), UINT64_MAX, &value));
	assert_false(str_to_u64(S("99999999999999999999999"), UINT64_MAX, &value));
	assert_false(str_to_u64(S("5"), 4, &value));
	assert_false(str_to_u64(S(""), 10, &value));
	assert_false(str_to_u64(S("-1"), 10, &value));
	assert_false(str_to_u64(S("+1"), 10, &value));
	assert_false(str_to_u64(S(" 1"), 10, &value));
	assert_false(str_to_u64(S("1x"), 100, &value));
	assert_int_equal(value, 5);
}

static void hexadecimal_goes_both_ways(void **state)
{
	const uint8_t data[] = {0x00, 0x9f, 0xff};
	uint8_t back[3];
	char text[7];

	str_hex(text, data, 3);
	assert_string_equal(text, "009fff");
	assert_true(str_unhex(S("009FfF"), back, 3));
	assert_memory_equal(back, data, 3);
	assert_false(str_unhex(S("009ff"), back, 3));
	assert_false(str_unhex(S("009fff0"), back, 3));
	assert_false(str_unhex(S("009fff00"), back, 3));
	assert_false(str_unhex(S("009ffg"), back, 3));
	assert_false(str_unhex(S(" 09fff"), back, 3));
}

static void utf8_is_what_the_rfc_says(void **state)
{
	assert_int_equal(str_utf8_next(S("a")), 1);
	assert_int_equal(str_utf8_next(S("ä")), 2);
	assert_int_equal(str_utf8_next(S("€")), 3);
	assert_int_equal(str_utf8_next(S("\xf0\x9f\x98\x80")), 4);
	assert_int_equal(str_utf8_next(S("\xf4\x8f\xbf\xbf")), 4);

	static const char *const bad[] = {"\x80",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff",
					  "\xc3",
					  "\xe2\x82",
					  "\xc3(",
					  "\xe2(\xa1"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(str_utf8_next(str_from(bad[i])), 0);
	assert_int_equal(str_utf8_next(none), 0);
}

static void distance_counts_edits(void **state)
{
	assert_int_equal(str_distance(S("retry"), S("retry")), 0);
	assert_int_equal(str_distance(S("rtry"), S("retry")), 1);
	assert_int_equal(str_distance(S("retries"), S("retry")), 3);
	assert_int_equal(str_distance(S("erty"), S("retry")), 2);
	assert_int_equal(str_distance(S("nmae"), S("name")), 1);
	assert_int_equal(str_distance(none, S("abc")), 3);
	assert_int_equal(str_distance(S("abc"), none), 3);
	assert_int_equal(str_distance(none, none), 0);
}

static void distance_of_long_texts_is_their_length(void **state)
{
	char longest[STR_DISTANCE_MAX + 1];

	memset(longest, 'a', sizeof(longest));
	assert_int_equal(str_distance((struct str){longest, sizeof(longest)}, S("a")),
			 sizeof(longest));
	assert_int_equal(str_distance((struct str){longest, STR_DISTANCE_MAX}, S("a")),
			 STR_DISTANCE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_means_every_byte),
		cmocka_unit_test(order_is_by_bytes_and_the_shorter_first),
		cmocka_unit_test(trimming_takes_spaces_and_tabs_only),
		cmocka_unit_test(copies_are_cut_and_always_terminated),
		cmocka_unit_test(numbers_are_digits_up_to_the_limit),
		cmocka_unit_test(hexadecimal_goes_both_ways),
		cmocka_unit_test(utf8_is_what_the_rfc_says),
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(distance_of_long_texts_is_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
