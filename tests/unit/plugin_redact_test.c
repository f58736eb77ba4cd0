/* Values of secrets in what a plugin says: found wherever they stand, also in parts, and nothing
 * else is touched. */
#include <stdlib.h>

#include "tests/support/unit.h"

#include "base/mem.h"
#include "plugin/redact.h"

#define BYTES(literal) ((struct wire_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static struct redactor *redactor_of(struct wire_bytes password, struct wire_bytes key)
{
	struct redactor *redactor = mem_new(struct redactor);

	redactor_add(redactor, "db", password);
	redactor_add(redactor, "key", key);
	return redactor;
}

static void drop(struct redactor *redactor)
{
	redactor_deinit(redactor);
	free(redactor);
}

static void values_are_replaced_by_their_names(void **state)
{
	static const struct {
		const char *text;
		bool may_be_cut;
		const char *clean;
	} rows[] = {
		{"no secret", true, "no secret"},
		{"hunter2-x", false, "[secret db]"},
		{"pw=hunter2-x;", false, "pw=[secret db];"},
		{"hunter2-xhunter2-x", false, "[secret db][secret db]"},
		{"hunter hunter2-x", false, "hunter [secret db]"},
		{"hunter2-", false, "hunter2-"},
		{"it was cut: hunter2-", true, "it was cut: [secret db]"},
		{"it says \"hunter2\"", true, "it says \"[secret db]\""},
		{"it says hunter…", true, "it says [secret db]…"},
		{"it says hunte…", true, "it says hunte…"},
		{"a line of the key: second line!", false, "a line of the key: [secret key]!"},
		{"-begin-\nsecond line\nend", false, "[secret key]"},
		{"", true, ""},
	};
	struct redactor *redactor =
		redactor_of(BYTES("hunter2-x\r\n"), BYTES("-begin-\nsecond line\nend\n"));
	struct buf scratch = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str clean =
			redact(redactor, str_from(rows[i].text), rows[i].may_be_cut, &scratch);

		assert_str(clean, rows[i].clean);
	}
	buf_deinit(&scratch);
	drop(redactor);
}

static void what_is_short_is_left_alone(void **state)
{
	struct redactor *redactor = redactor_of(BYTES("abcde\n"), BYTES(""));
	struct buf scratch = {0};

	assert_int_equal(redactor->count, 0);
	assert_str(redact(redactor, STR_LITERAL("abcde"), true, &scratch), "abcde");
	assert_str(redact(NULL, STR_LITERAL("abcde"), true, &scratch), "abcde");
	buf_deinit(&scratch);
	drop(redactor);
}

static void bytes_that_are_no_text_are_found(void **state)
{
	static const char said[] = "x\0\377\0\n\200\201y";
	struct redactor *redactor = redactor_of(BYTES("\0\377\0\n\200\201"), BYTES("unused"));
	struct buf scratch = {0};

	assert_str(redact(redactor, (struct str){said, sizeof(said) - 1}, false, &scratch),
		   "x[secret db]y");
	buf_deinit(&scratch);
	drop(redactor);
}

static void an_error_is_redacted_where_it_stands(void **state)
{
	struct redactor *redactor = redactor_of(BYTES("hunter2-x"), BYTES("unused"));
	struct err err;

	err_set(&err, 1, "it says: %0470d hunter2-x", 0); /* cut in the middle of the value */
	redact_err(redactor, &err);
	assert_null(strstr(err.text, "hunter"));
	err_set(&err, 1, "it says: hunter2-x");
	redact_err(redactor, &err);
	assert_string_equal(err.text, "it says: [secret db]");
	drop(redactor);
}

/* However a line is cut, no value is cut in two. */
static void a_cut_spares_values(void **state)
{
	struct redactor *redactor = redactor_of(BYTES("hunter2-x"), BYTES("unused"));
	char text[64];

	for (size_t at = 1; at < 32; at++) {
		memset(text, '.', sizeof(text));
		memcpy(text + at, "hunter2-x", 9);
		for (size_t len = 1; len < sizeof(text); len++) {
			size_t cut = redact_cut(redactor, (struct str){text, sizeof(text)}, len);

			assert_int_equal(cut, len > at && len < at + 9 ? at : len);
		}
	}
	assert_int_equal(redact_cut(redactor, STR_LITERAL("...hunte"), 8), 3);
	assert_int_equal(redact_cut(NULL, STR_LITERAL("...hunte"), 8), 8);
	drop(redactor);
}

/* The second value may begin where the first still goes on, and has not come whole yet. */
static void a_cut_spares_a_value_that_another_may_overlap(void **state)
{
	struct redactor *redactor = redactor_of(BYTES("hunter2-x"), BYTES("2-x and more"));
	struct str text = STR_LITERAL("... hunter2-x an");

	assert_int_equal(redact_cut(redactor, text, 13), 13);
	assert_int_equal(redact_cut(redactor, text, 12), 4);
	drop(redactor);
}

/* A log line holds less than such a value, so a part of it must be enough. */
static void a_long_value_is_found_in_parts(void **state)
{
	size_t len = 64 << 10;
	char *value = mem_alloc(len);
	struct redactor redactor = {0};
	struct buf scratch = {0};
	struct str clean;

	for (size_t i = 0; i < len; i++)
		value[i] = (char)('a' + (i * 7 + i / 26) % 26);
	redactor_add(&redactor, "long", (struct wire_bytes){(uint8_t *)value, len});
	clean = redact(&redactor, (struct str){value, 3 * REDACT_PIECE_BYTES}, false, &scratch);
	assert_str(clean, "[secret long][secret long][secret long]");
	buf_deinit(&scratch);
	redactor_deinit(&redactor);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_replaced_by_their_names),
		cmocka_unit_test(what_is_short_is_left_alone),
		cmocka_unit_test(bytes_that_are_no_text_are_found),
		cmocka_unit_test(an_error_is_redacted_where_it_stands),
		cmocka_unit_test(a_cut_spares_values),
		cmocka_unit_test(a_cut_spares_a_value_that_another_may_overlap),
		cmocka_unit_test(a_long_value_is_found_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
