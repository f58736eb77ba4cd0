/* Which certificate answers to which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/tls_names.h"

#define NOBODY SIZE_MAX

static size_t ask(struct tls_names *names, const char *name)
{
	size_t index;

	return tls_names_find(names, str_from(name), &index) ? index : NOBODY;
}

static struct tls_names names_of(const char *const *texts, size_t count)
{
	struct tls_names names = {0};

	for (size_t i = 0; i < count; i++)
		tls_names_add(&names, str_from(texts[i]), i);
	return names;
}

static void a_name_finds_itself_then_its_wildcard(void **state)
{
	static const char *const texts[] = {"example.com", "*.example.com", "api.example.com",
					    "*.b.example.com"};
	static const struct {
		const char *name;
		size_t index;
	} rows[] = {
		{"example.com", 0},
		{"EXAMPLE.com", 0},
		{"example.com.", 0},
		{"www.example.com", 1},
		{"Www.Example.Com.", 1},
		{"api.example.com", 2},
		{"x.b.example.com", 3},
		{"b.example.com", 1},
		{"a.www.example.com", NOBODY},
		{"x.y.b.example.com", NOBODY},
		{"com", NOBODY},
		{"xexample.com", NOBODY},
		{"*.example.com", NOBODY},
		{".example.com", NOBODY},
		{"", NOBODY},
		{".", NOBODY},
		{"example.com..", NOBODY},
		{"-a.example.com", NOBODY},
	};
	struct tls_names names = names_of(texts, sizeof(texts) / sizeof(texts[0]));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (ask(&names, rows[i].name) != rows[i].index)
			fail_msg("\"%s\" finds %zu", rows[i].name, ask(&names, rows[i].name));
	}
	tls_names_deinit(&names);
}

static void of_two_with_one_name_the_first_answers(void **state)
{
	static const char *const texts[] = {"b.example", "a.example", "A.example.", "b.example"};
	struct tls_names names = names_of(texts, 4);

	assert_int_equal(ask(&names, "a.example"), 1);
	assert_int_equal(ask(&names, "b.example"), 0);
	tls_names_deinit(&names);
}

static void bytes_behind_a_nul_don_t_vanish(void **state)
{
	static const char *const texts[] = {"example.com"};
	struct tls_names names = names_of(texts, 1);
	size_t index;

	assert_false(tls_names_find(&names, STR_LITERAL("example.com\0.evil"), &index));
	assert_false(tls_name_is_valid(STR_LITERAL("example.com\0.evil")));
	tls_names_deinit(&names);
}

static void names_are_told_from_what_is_none(void **state)
{
	static const char *const good[] = {"a",	    "localhost", "xn--bcher-kva.example",
					   "a_b.c", "1.2",	 "*.example.com"};
	static const char *const bad[] = {
		"",   "*",   "*.com", "a.*.com", "*a.example.com", "a..b",
		".a", "a b", "a/b",   "-a.b",	 "a-.b",	   "b\xc3\xbc.de"};
	char label[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(tls_name_is_valid(str_from(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (tls_name_is_valid(str_from(bad[i])))
			fail_msg("\"%s\" is taken for a name", bad[i]);
	}
	memset(label, 'a', sizeof(label));
	assert_true(tls_name_is_valid((struct str){label, 63}));
	assert_false(tls_name_is_valid((struct str){label, 64}));
	for (size_t i = 49; i < sizeof(label); i += 50)
		label[i] = '.';
	assert_true(tls_name_is_valid((struct str){label, 253}));
	assert_false(tls_name_is_valid((struct str){label, 255}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_finds_itself_then_its_wildcard),
		cmocka_unit_test(of_two_with_one_name_the_first_answers),
		cmocka_unit_test(bytes_behind_a_nul_don_t_vanish),
		cmocka_unit_test(names_are_told_from_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
