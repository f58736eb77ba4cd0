/* What a target means, one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/target.h"

struct row {
	const char *target;
	enum fault fault;
	const char *path;
	const char *query;
	const char *authority; /* NULL: not an absolute target */
};

static const struct row rows[] = {
	{"/", 0, "/", ""},
	{"/a/b", 0, "/a/b", ""},
	{"/a/", 0, "/a/", ""},
	{"/a?b=c&d", 0, "/a", "b=c&d"},
	{"/a?", 0, "/a", ""},
	{"/?a?b", 0, "/", "a?b"},
	{"/a?../b%2e%zz", 0, "/a", "../b%2e%zz"},
	{"//a//b", 0, "//a//b", ""},
	{"/%61%62", 0, "/ab", ""},
	{"/%C3%a4", 0, "/\xc3\xa4", ""},
	{"/a%20b", 0, "/a b", ""},
	{"/a%2fb", 0, "/a%2Fb", ""},
	{"/a%2Fb", 0, "/a%2Fb", ""},
	{"/a%252fb", 0, "/a%252fb", ""},
	{"/100%25", 0, "/100%25", ""},
	{"/a%3fb", 0, "/a?b", ""},
	{"/.", 0, "/", ""},
	{"/./", 0, "/", ""},
	{"/a/.", 0, "/a/", ""},
	{"/a/./b", 0, "/a/b", ""},
	{"/a/..", 0, "/", ""},
	{"/a/../", 0, "/", ""},
	{"/a/../b", 0, "/b", ""},
	{"/a/b/../../c", 0, "/c", ""},
	{"/a//../b", 0, "/a/b", ""},
	{"/a/%2e%2e/b", 0, "/b", ""},
	{"/a/.%2E/b", 0, "/b", ""},
	{"/a/..b/c..", 0, "/a/..b/c..", ""},
	{"/.a/...", 0, "/.a/...", ""},
	{"/a/..%2f..%2fb", 0, "/a/..%2F..%2Fb", ""},
	{"/a;b=c,d@e:f$g", 0, "/a;b=c,d@e:f$g", ""},
	{"/..", FAULT_PATH_ABOVE_ROOT},
	{"/../a", FAULT_PATH_ABOVE_ROOT},
	{"/a/../../b", FAULT_PATH_ABOVE_ROOT},
	{"/%2e%2e/etc/passwd", FAULT_PATH_ABOVE_ROOT},
	{"/%", FAULT_PATH_ESCAPE},
	{"/%4", FAULT_PATH_ESCAPE},
	{"/%4g", FAULT_PATH_ESCAPE},
	{"/%zz", FAULT_PATH_ESCAPE},
	{"/a%00", FAULT_PATH_CHARACTER},
	{"/a%0d%0ab", FAULT_PATH_CHARACTER},
	{"/%7f", FAULT_PATH_CHARACTER},
	{"/%ff", FAULT_PATH_CHARACTER},
	{"/%c3", FAULT_PATH_CHARACTER},
	{"/%c0%af", FAULT_PATH_CHARACTER},
	{"/%ed%a0%80", FAULT_PATH_CHARACTER},
	{"/%f4%90%80%80", FAULT_PATH_CHARACTER},
	{"/%f0%9f%98%80", 0, "/\xf0\x9f\x98\x80", ""},
	{"/a b", FAULT_TARGET_CHARACTER},
	{"/a\x7f", FAULT_TARGET_CHARACTER},
	{"/aaaaaaaaaaaaaaaaaaaaaa\x80", FAULT_TARGET_CHARACTER},
	{"/aaaaaaaaaaaaaaaa\taaaaaaa", FAULT_TARGET_CHARACTER},
	{"/#", FAULT_TARGET_CHARACTER},
	{"", FAULT_TARGET_CHARACTER},
	{"a", FAULT_TARGET},
	{"*", FAULT_TARGET},
	{"?a", FAULT_TARGET},
	{"http:/a", FAULT_TARGET},
	{"http://", FAULT_HOST_INVALID},
	{"http:///a", FAULT_HOST_INVALID},
	{"http://u@h/a", FAULT_HOST_INVALID},
	{"http://h", 0, "/", "", "h"},
	{"http://h?q", 0, "/", "q", "h"},
	{"HTTPS://h:1/a/../b?q", 0, "/b", "q", "h:1"},
};

static void expect_str(struct str actual, const char *expected)
{
	if (!str_eq(actual, str_from(expected ? expected : "")))
		fail_msg("%.*s instead of %s", STR_ARG(actual), expected);
}

static void targets_mean_what_the_rows_say(void **state)
{
	struct arena arena = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct target target;
		enum fault fault =
			target_parse(&arena, STR_LITERAL("GET"), str_from(rows[i].target), &target);
		if (fault != rows[i].fault)
			fail_msg("%s: %s", rows[i].target, fault_rows[fault].name);
		if (fault)
			continue;
		expect_str(target.path, rows[i].path);
		expect_str(target.query, rows[i].query);
		expect_str(target.authority, rows[i].authority);
		assert_int_equal(target.is_absolute, rows[i].authority != NULL);
	}
	arena_deinit(&arena);
}

static void options_may_ask_about_the_server(void **state)
{
	struct arena arena = {0};
	struct target target;
	struct str options = STR_LITERAL("OPTIONS");

	assert_int_equal(target_parse(&arena, options, STR_LITERAL("*"), &target), 0);
	expect_str(target.path, "*");
	assert_int_equal(target_parse(&arena, options, STR_LITERAL("http://h"), &target), 0);
	expect_str(target.path, "*");
	assert_int_equal(target_parse(&arena, options, STR_LITERAL("http://h/"), &target), 0);
	expect_str(target.path, "/");
}

static void a_host_is_a_name_or_an_address_with_an_optional_port(void **state)
{
	static const char *const good[] = {"a",		  "a.b-c_d~e", "A:80",
					   "127.0.0.1:0", "[::1]",     "[::ffff:1.2.3.4]:65535",
					   "a:",	  "x%41y",     "a!$&'()*+;=b"};
	static const char *const bad[] = {
		"",	  ":80", "a:65536", "a:8x", "a:-1",	"a:80:80", "a b",
		"a@b",	  "a/b", "a?b",	    "[]",   "[::1",	"[g]",	   "::1",
		"[::1]x", "a%4", "a%zz",    "a\"",  "a:080000", "[::1]80", "a\xc3\xa4"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!target_is_authority(str_from(good[i])))
			fail_msg("%s is refused", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (target_is_authority(str_from(bad[i])))
			fail_msg("%s is accepted", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_mean_what_the_rows_say),
		cmocka_unit_test(options_may_ask_about_the_server),
		cmocka_unit_test(a_host_is_a_name_or_an_address_with_an_optional_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
