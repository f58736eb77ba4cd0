/* Errors: what they say, also when it is too much. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/support/unit.h"

static void says_the_sentence_and_returns_the_failure(void **state)
{
	struct err err = {0};

	assert_int_equal(err_set(&err, 1234, "no %s", "luck"), -EINVAL);
	assert_int_equal(err.code, 1234);
	assert_string_equal(err.text, "no luck");
	assert_int_equal(err_set_errno(&err, 5, ENOENT, "open %s", "x"), -ENOENT);
	assert_string_equal(err.text, "open x: No such file or directory");
	assert_int_equal(err.code, 5);
}

static void nobody_has_to_listen(void **state)
{
	assert_int_equal(err_set(NULL, 1, "x"), -EINVAL);
	assert_int_equal(err_set_errno(NULL, 1, EIO, "x"), -EIO);
	err_prefix(NULL, "x");
}

static void a_prefix_goes_in_front_and_keeps_the_code(void **state)
{
	struct err err;

	err_set(&err, 7, "too large");
	err_prefix(&err, "%s:%d", "f.yaml", 3);
	assert_string_equal(err.text, "f.yaml:3: too large");
	assert_int_equal(err.code, 7);
}

static void a_text_that_is_too_long_ends_in_an_ellipsis(void **state)
{
	struct err err;

	err_set(&err, 1, "%*d", 1000, 5);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_string_equal(err.text + sizeof(err.text) - 4, "…");
	err_set(&err, 1, "%*d", (int)sizeof(err.text) - 1, 5);
	assert_null(strstr(err.text, "…"));

	err_set(&err, 1, "%*d", 470, 5);
	err_prefix(&err, "a prefix of some length");
	assert_string_equal(err.text + sizeof(err.text) - 4, "…");
}

/* Wherever the cut falls in "äää…", what is left must be whole characters. */
static void the_cut_never_splits_a_character(void **state)
{
	char text[2 * sizeof(((struct err *)0)->text)];
	struct err err;

	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "€", 3);
		text[sizeof(text) - 1 - (sizeof(text) - 1 - shift) % 3] = '\0';
		err_set(&err, 1, "%s", text);
		for (struct str left = str_from(err.text); left.len > 0;) {
			size_t len = str_utf8_next(left);
			assert_true(len > 0);
			left = (struct str){left.data + len, left.len - len};
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_sentence_and_returns_the_failure),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(a_prefix_goes_in_front_and_keeps_the_code),
		cmocka_unit_test(a_text_that_is_too_long_ends_in_an_ellipsis),
		cmocka_unit_test(the_cut_never_splits_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
