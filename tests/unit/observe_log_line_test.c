/* Lines of the log: both formats, and that no bytes can forge a line or a field. */
#include <jansson.h>
#include <stdlib.h>

#include "observe/log_line.h"
#include "tests/support/unit.h"

#define T0 INT64_C(1767323045678) /* 2026-01-02T03:04:05.678Z */

static const struct log_field no_fields[] = {{LOG_FIELD_END}};

static char line[64 << 10];

static const char *format_at(enum log_format format, int64_t wall_ms, struct str message,
			     const struct log_field *fields)
{
	struct log_stamp stamp = {0};
	struct log_record record = {wall_ms, LOG_WARN, "instance.died", message, fields};
	size_t len = log_line_format(line, sizeof(line) - 1, format, &record, &stamp);

	line[len] = '\0';
	return line;
}

static const char *logfmt(const char *message, const struct log_field *fields)
{
	return format_at(LOG_FORMAT_LOGFMT, T0, str_from(message), fields);
}

static void a_line_reads_like_the_example(void **state)
{
	assert_string_equal(logfmt("killed by signal 9, restarting in 400 ms",
				   (struct log_field[]){LOG_STR("plugin", "echo"),
							LOG_INT("pid", 4711),
							LOG_BOOL("last", false),
							{LOG_FIELD_END}}),
			    "ts=2026-01-02T03:04:05.678Z level=warn event=instance.died "
			    "msg=\"killed by signal 9, restarting in 400 ms\" plugin=echo pid=4711 "
			    "last=false\n");
	assert_string_equal(
		format_at(LOG_FORMAT_JSON, T0, STR_LITERAL("why \"not\""),
			  (struct log_field[]){LOG_STR("plugin", "echo"),
					       LOG_INT("n", -5),
					       LOG_BOOL("ok", true),
					       {LOG_FIELD_END}}),
		"{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warn\",\"event\":\"instance."
		"died\","
		"\"msg\":\"why \\\"not\\\"\",\"plugin\":\"echo\",\"n\":-5,\"ok\":true}\n");
}

static void an_empty_message_is_left_out_and_an_empty_value_is_not(void **state)
{
	assert_string_equal(
		logfmt("",
		       (struct log_field[]){LOG_STR("a", ""), LOG_STR("b", NULL), {LOG_FIELD_END}}),
		"ts=2026-01-02T03:04:05.678Z level=warn event=instance.died a=\"\" b=\"\"\n");
}

/* The value after " a=", without the newline. */
static void assert_value(struct str value, const char *expected)
{
	const char *text = logfmt("", (struct log_field[]){LOG_STRN("a", value), {LOG_FIELD_END}});
	struct str written = str_from(strstr(text, " a=") + 3);

	written.len--;
	assert_str(written, expected);
}

static void values_are_quoted_and_escaped_only_where_needed(void **state)
{
	assert_value(STR_LITERAL("/a/b?c:d;e,f"), "/a/b?c:d;e,f");
	assert_value(STR_LITERAL("a b"), "\"a b\"");
	assert_value(STR_LITERAL("a=b"), "\"a=b\"");
	assert_value(STR_LITERAL("a\"b\\c"), "\"a\\\"b\\\\c\"");
	assert_value(STR_LITERAL("größe"), "\"größe\"");
}

static void no_bytes_can_end_the_line_or_steer_a_terminal(void **state)
{
	assert_value(STR_LITERAL("x\nts=0 level=error"), "\"x\\nts=0 level=error\"");
	assert_value(STR_LITERAL("\r\t\0\x1b[2J\x7f"), "\"\\r\\t\\u0000\\u001b[2J\\u007f\"");
	assert_value(STR_LITERAL("\xc2\x9b"), "\"\\u009b\"");
	assert_value(STR_LITERAL("a\xff\xc3"), "\"a\\ufffd\\ufffd\"");
}

static void names_from_plugins_cannot_forge_fields(void **state)
{
	const char *text =
		logfmt("", (struct log_field[]){LOG_STR("a b=c\n\"", "v"), {LOG_FIELD_END}});

	assert_non_null(strstr(text, " a_b_c__=v\n"));
}

static void numbers_keep_their_ends(void **state)
{
	const char *text = logfmt("", (struct log_field[]){LOG_INT("min", INT64_MIN),
							   LOG_INT("max", INT64_MAX),
							   LOG_INT("zero", 0),
							   {LOG_FIELD_END}});

	assert_non_null(strstr(text, "min=-9223372036854775808 max=9223372036854775807 zero=0\n"));
}

/* Every byte value, in any neighbourhood: a JSON reader must take the line. */
static void any_bytes_are_valid_json(void **state)
{
	char bytes[4096];
	uint32_t seed = 1;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (char)(seed >> 24);
		}
		struct str value = {bytes, (size_t)(round * 20)};
		const char *text =
			format_at(LOG_FORMAT_JSON, T0, value,
				  (struct log_field[]){LOG_STRN("v", value), {LOG_FIELD_END}});
		json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		assert_non_null(root);
		json_decref(root);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
}

static void a_value_that_is_too_long_ends_in_an_ellipsis(void **state)
{
	static char value[LOG_VALUE_BYTES + 3];

	for (size_t i = 0; i + 3 <= sizeof(value); i += 3)
		memcpy(value + i, "€", 3);
	const char *text =
		logfmt("", (struct log_field[]){LOG_STRN("a", ((struct str){value, sizeof(value)})),
						LOG_INT("b", 1),
						{LOG_FIELD_END}});
	assert_non_null(strstr(text, "€…\" b=1\n"));
	assert_null(strstr(text, "ufffd"));
	assert_true(strlen(text) < LOG_VALUE_BYTES + 200);
}

static void a_line_that_does_not_fit_is_none(void **state)
{
	struct log_stamp stamp = {0};
	struct log_record record = {T0, LOG_INFO, "a.b", STR_LITERAL("m"), no_fields};
	char exact[128];
	size_t len = log_line_format(exact, sizeof(exact), LOG_FORMAT_LOGFMT, &record, &stamp);

	assert_true(len > 0);
	for (size_t size = 0; size < len; size++) {
		char *room = malloc(size + 1);
		assert_int_equal(log_line_format(room, size, LOG_FORMAT_LOGFMT, &record, &stamp),
				 0);
		free(room);
	}
	assert_int_equal(log_line_format(exact, len, LOG_FORMAT_LOGFMT, &record, &stamp), len);
}

static void the_stamp_follows_the_second(void **state)
{
	struct log_stamp stamp = {0};
	struct log_record record = {0, LOG_INFO, "e", {0}, no_fields};
	static const struct {
		int64_t wall_ms;
		const char *text;
	} cases[] = {
		{T0, "ts=2026-01-02T03:04:05.678Z"},
		{T0 + 1, "ts=2026-01-02T03:04:05.679Z"},
		{T0 + 322, "ts=2026-01-02T03:04:06.000Z"},
		{T0 - 1000, "ts=2026-01-02T03:04:04.678Z"},
		{0, "ts=1970-01-01T00:00:00.000Z"},
		{-1, "ts=1969-12-31T23:59:59.999Z"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		record.wall_ms = cases[i].wall_ms;
		assert_true(log_line_format(line, sizeof(line), LOG_FORMAT_LOGFMT, &record,
					    &stamp) > 0);
		assert_memory_equal(line, cases[i].text, strlen(cases[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_reads_like_the_example),
		cmocka_unit_test(an_empty_message_is_left_out_and_an_empty_value_is_not),
		cmocka_unit_test(values_are_quoted_and_escaped_only_where_needed),
		cmocka_unit_test(no_bytes_can_end_the_line_or_steer_a_terminal),
		cmocka_unit_test(names_from_plugins_cannot_forge_fields),
		cmocka_unit_test(numbers_keep_their_ends),
		cmocka_unit_test(any_bytes_are_valid_json),
		cmocka_unit_test(a_value_that_is_too_long_ends_in_an_ellipsis),
		cmocka_unit_test(a_line_that_does_not_fit_is_none),
		cmocka_unit_test(the_stamp_follows_the_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
