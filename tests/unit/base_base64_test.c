/* base/base64: the vectors of RFC 4648, and what is no text of any bytes. */
#include "base/base64.h"
#include "tests/support/unit.h"

struct vector {
	const char *bytes, *text;
};

static const struct vector vectors[] = {
	{"", ""},	    {"f", "Zg"},	  {"fo", "Zm8"},	  {"foo", "Zm9v"},
	{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
};

static void bytes_have_one_text_for_urls(void **state)
{
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct str text = str_from(vectors[i].text);
		size_t len = strlen(vectors[i].bytes), got;
		uint8_t bytes[16];
		char back[16];

		assert_true(base64url_decode(text, bytes, &got));
		assert_int_equal(got, len);
		assert_memory_equal(bytes, vectors[i].bytes, len);
		assert_int_equal(base64url_encode(bytes, len, back), text.len);
		assert_string_equal(back, vectors[i].text);
	}
}

static void other_texts_for_urls_are_refused(void **state)
{
	static const char *const texts[] = {
		"Z",	     /* six bits are no byte */
		"Zh",	     /* bits are left over: "Zg" */
		"Zm9",	     /* the same, of two bytes */
		"Zg==",	     /* padding */
		"Zm9v\n",    /* a line end */
		" Zm9v",     /* a blank */
		"+//+",	     /* the other alphabet */
		"Zm9vYmFy.", /* more behind it */
		"Zm\xc3\xa9", "Zm9vY",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		uint8_t bytes[16];
		size_t len = 1;

		assert_false(base64url_decode(str_from(texts[i]), bytes, &len));
		assert_int_equal(len, 0);
	}
}

/* ---- the usual alphabet ---- */

static void padding_may_be_there_where_it_is_right(void **state)
{
	static const struct {
		const char *text;
		const char *bytes; /* NULL: refused */
	} rows[] = {
		{"", ""},	    {"YQ==", "a"},   {"YQ", "a"},
		{"YWI=", "ab"},	    {"YWI", "ab"},   {"YWJj", "abc"},
		{"YR==", NULL},	    {"YQ=", NULL},   {"YQ===", NULL},
		{"Y", NULL},	    {"Y Q==", NULL}, {"YQ==\n", NULL},
		{"=", NULL},	    {"====", NULL},  {"YW=j", NULL},
		{"YWJjZA", "abcd"}, {"YWJ-", NULL},  {"+/+/", "\xfb\xff\xbf"},
	};
	uint8_t out[8];
	size_t len;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool good = base64_decode(str_from(rows[i].text), out, sizeof(out), &len);

		if (good != (rows[i].bytes != NULL))
			fail_msg("%s", rows[i].text);
		if (good)
			assert_str((struct str){(const char *)out, len}, rows[i].bytes);
	}
	assert_false(base64_decode(STR_LITERAL("YWJjZGVmZ2hp"), out, 8, &len));
}

static void a_buffer_has_the_padding(void **state)
{
	static const struct {
		const char *plain;
		const char *coded;
	} rows[] = {/* RFC 4648, section 10 */
		    {"", ""},
		    {"f", "Zg=="},
		    {"fo", "Zm8="},
		    {"foo", "Zm9v"},
		    {"foob", "Zm9vYg=="},
		    {"fooba", "Zm9vYmE="},
		    {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf coded = {0};
		struct buf plain = {0};

		base64_put(&coded, (const uint8_t *)rows[i].plain, strlen(rows[i].plain));
		assert_int_equal(buf_len(&coded), strlen(rows[i].coded));
		assert_true(str_eq((struct str){(char *)buf_front(&coded), buf_len(&coded)},
				   str_from(rows[i].coded)));
		assert_true(base64_take(&plain, str_from(rows[i].coded)));
		assert_true(str_eq((struct str){(char *)buf_front(&plain), buf_len(&plain)},
				   str_from(rows[i].plain)));
		buf_deinit(&coded);
		buf_deinit(&plain);
	}
}

static void a_buffer_takes_no_other_text(void **state)
{
	static const char *const rows[] = {"Z",	     "Zg",   "Zh==",	 "Zg=",	   "=",
					   "====",   "Z===", "Zg=a",	 "Zm8 ",   " Zm8=",
					   "Zm8=\n", "Zm-_", "Zg==Zg==", "Z\xff=="};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf plain = {0};

		assert_false(base64_take(&plain, str_from(rows[i])));
		assert_int_equal(buf_len(&plain), 0);
		buf_deinit(&plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_one_text_for_urls),
		cmocka_unit_test(other_texts_for_urls_are_refused),
		cmocka_unit_test(padding_may_be_there_where_it_is_right),
		cmocka_unit_test(a_buffer_has_the_padding),
		cmocka_unit_test(a_buffer_takes_no_other_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
