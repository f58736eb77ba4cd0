/* base/base64url: the vectors of RFC 4648 without their padding, and what is no text of any
 * bytes. */
#include "base/base64url.h"
#include "tests/support/unit.h"

struct vector {
	const char *bytes, *text;
};

static const struct vector vectors[] = {
	{"", ""},	    {"f", "Zg"},	  {"fo", "Zm8"},	  {"foo", "Zm9v"},
	{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
};

static void bytes_have_one_text(void **state)
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

static void other_texts_are_refused(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_one_text),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
