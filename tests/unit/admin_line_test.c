/* What a line on the admin socket may be, and what a reply looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "admin/line.h"
#include "base/member.h"
#include "observe/errors.h"

static const char *why_not(const char *text)
{
	static struct err err;
	struct line_request request;

	err = (struct err){0};
	assert_true(line_parse(str_from(text), &request, &err) < 0);
	assert_int_equal(err.code, ERR_ADMIN_REQUEST);
	assert_null(request.root);
	return err.text;
}

static void a_request_is_a_command_and_its_arguments(void **state)
{
	struct line_request request;
	struct err err;

	assert_int_equal(
		line_parse(str_from("{\"command\":\"call\",\"args\":{\"a\":1}}\r"), &request, &err),
		0);
	assert_string_equal(request.command, "call");
	assert_int_equal(json_integer_value(json_object_get(request.args, "a")), 1);
	line_request_deinit(&request);
}

static void arguments_may_be_left_out(void **state)
{
	struct line_request request;
	struct err err;

	assert_int_equal(line_parse(str_from("{\"command\":\"status\"}"), &request, &err), 0);
	assert_int_equal(json_object_size(request.args), 0);
	line_request_deinit(&request);
}

static void anything_else_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *line;
		const char *says;
	} rows[] = {
		{"", "not JSON"},
		{"GET / HTTP/1.1", "not JSON"},
		{"{\"command\":\"status\"", "not JSON"},
		{"{\"command\":\"status\"}{}", "not JSON"},
		{"{\"command\":\"\xff\"}", "not JSON"},
		{"{\"command\":\"a\\u0000b\"}", "not JSON"},
		{"{\"command\":\"a\",\"command\":\"b\"}", "duplicate"},
		{"{\"command\":\"a\",\"args\":{\"x\":1,\"x\":2}}", "duplicate"},
		{"[]", "an object"},
		{"7", "an object"},
		{"null", "an object"},
		{"{}", "an object"},
		{"{\"command\":7}", "an object"},
		{"{\"command\":\"a\",\"args\":[]}", "\"args\" is not an object"},
		{"{\"command\":\"a\",\"arg\":{}}", "not \"arg\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_non_null(strstr(why_not(rows[i].line), rows[i].says));
}

static void a_line_of_nothing_but_brackets_is_refused(void **state)
{
	size_t len = 1000000;
	char *line = malloc(len);
	struct line_request request;
	struct err err;

	assert_non_null(line);
	memset(line, '[', len);
	assert_true(line_parse((struct str){line, len}, &request, &err) < 0);
	assert_non_null(strstr(err.text, "depth"));
	free(line);
}

static void assert_line(struct buf *buf, const char *text)
{
	assert_int_equal(buf_len(buf), strlen(text));
	assert_memory_equal(buf_front(buf), text, strlen(text));
	buf_deinit(buf);
}

static void a_result_is_one_line(void **state)
{
	struct buf out = {0};
	json_t *result = json_object();

	member_text(result, "text", "two\nlines");
	member_text(result, "none", NULL);
	member_int(result, "int", -3);
	line_put_result(&out, result);
	assert_line(&out, "{\"ok\":true,\"result\":{\"text\":\"two\\nlines\",\"none\":null,"
			  "\"int\":-3}}\n");
}

static void an_error_carries_its_number_its_name_and_what_to_do(void **state)
{
	struct buf out = {0};
	struct err err;

	err_set(&err, ERR_REGISTRY_NO_SERVICE, "nobody provides \"x\"");
	line_put_error(&out, &err);
	assert_line(&out, "{\"ok\":false,\"error\":{\"code\":1900,\"name\":\"REGISTRY_NO_SERVICE\","
			  "\"message\":\"nobody provides \\\"x\\\"\",\"remedy\":\"Check the name; "
			  "plugctl plugins lists what is provided\"}}\n");
}

static void text_that_is_not_utf8_becomes_valid(void **state)
{
	json_t *value = text_json((struct str){"a\xff\xc3z\xc3\xa4", 6});

	assert_string_equal(json_string_value(value), "a\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa4");
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_a_command_and_its_arguments),
		cmocka_unit_test(arguments_may_be_left_out),
		cmocka_unit_test(anything_else_is_refused_with_a_sentence),
		cmocka_unit_test(a_line_of_nothing_but_brackets_is_refused),
		cmocka_unit_test(a_result_is_one_line),
		cmocka_unit_test(an_error_carries_its_number_its_name_and_what_to_do),
		cmocka_unit_test(text_that_is_not_utf8_becomes_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
