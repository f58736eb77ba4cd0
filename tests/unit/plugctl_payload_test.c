/* JSON stands for MessagePack both ways, and what neither has a word for does not pass as something
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "payload.h"

/* An allocation for what MessagePack only claims is a bug: sanitizers end the test. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=64:allocator_may_return_null=0";
}

static void json_becomes_messagepack(void **state)
{
	static const struct {
		const char *json;
		const char *bytes;
		size_t len;
	} rows[] = {
		{"null", "\xc0", 1},
		{" true ", "\xc3", 1},
		{"-1", "\xff", 1},
		{"128", "\xcc\x80", 2},
		{"9223372036854775807", "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
		{"1.5", "\xcb\x3f\xf8\0\0\0\0\0\0", 9},
		{"\"a\\u0000b\"",
		 "\xa3"
		 "a\0b",
		 4},
		{"[1,[2]]", "\x92\x01\x91\x02", 4},
		{"{\"k\":{}}",
		 "\x81\xa1"
		 "k\x80",
		 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};
		struct err err;

		assert_int_equal(payload_from_json(str_from(rows[i].json), &out, &err), 0);
		assert_int_equal(buf_len(&out), rows[i].len);
		assert_memory_equal(buf_front(&out), rows[i].bytes, rows[i].len);
		buf_deinit(&out);
	}
}

static void text_that_is_not_one_json_value_is_refused_with_its_place(void **state)
{
	static const char *const rows[] = {"",	   "{",	  "{} {}", "{'a':1}", "{\"a\":1,\"a\":2}",
					   "\xff", "nul", "1e999"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};
		struct err err;

		assert_true(payload_from_json(str_from(rows[i]), &out, &err) < 0);
		assert_non_null(strstr(err.text, "line "));
		assert_int_equal(buf_len(&out), 0);
	}
}

static void messagepack_becomes_json(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} rows[] = {
		{"\xc0", 1, "null"},
		{"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, "9223372036854775807"},
		{"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, "1.8446744073709552e19"},
		{"\xca\x3f\xc0\0\0", 5, "1.5"},
		{"\xca\x7f\x80\0\0", 5, "null"}, /* infinity */
		{"\xc4\x03"
		 "foo",
		 5, "\"Zm9v\""},
		{"\xa2"
		 "a\xff",
		 3, "\"a\xef\xbf\xbd\""},
		{"\xd4\x01\x00", 3, "null"}, /* an extension */
		{"\x82\xa1"
		 "k\x01\x02\x93\x01\xc3\xff",
		 9, "{\"k\":1,\"2\":[1,true,-1]}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value = NULL;
		struct err err;
		char *text;

		assert_int_equal(
			payload_to_json((const uint8_t *)rows[i].bytes, rows[i].len, &value, &err),
			0);
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(text, rows[i].json);
		free(text);
		json_decref(value);
	}
}

static void bytes_that_are_not_one_value_are_refused(void **state)
{
	static char deep[64]; /* one-element arrays in each other */
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{"", 0},
		{"\x92\x01", 2},
		{"\x01\x02", 2},
		{"\xdd\0\0\1\0", 5},
		{"\xc1", 1},
		{"\xa5hi", 3},
		{deep, sizeof(deep)},
		{"\xdd\x7f\xff\xff\xff", 5},
		{"\x91\xdf\x10\0\0\0\xc0", 7},
	};

	memset(deep, 0x91, sizeof(deep));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value = NULL;
		struct err err;

		assert_true(payload_to_json((const uint8_t *)rows[i].bytes, rows[i].len, &value,
					    &err) < 0);
		assert_null(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_becomes_messagepack),
		cmocka_unit_test(text_that_is_not_one_json_value_is_refused_with_its_place),
		cmocka_unit_test(messagepack_becomes_json),
		cmocka_unit_test(bytes_that_are_not_one_value_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
