/* Lists with commas: taken apart from either end, and searched. */
#include <string.h>

#include "net/list.h"
#include "net/message.h"
#include "tests/support/unit.h"

static const struct {
	const char *list;
	size_t count;
	const char *members[4];
} rows[] = {
	{"", 0, {NULL}},
	{" \t", 0, {NULL}},
	{",", 0, {NULL}},
	{" , ,\t,", 0, {NULL}},
	{"a", 1, {"a"}},
	{"\ta ", 1, {"a"}},
	{"a,b", 2, {"a", "b"}},
	{"a, ,b,", 2, {"a", "b"}},
	{",, a b\t,c", 2, {"a b", "c"}},
	{"\"a,b\"", 2, {"\"a", "b\""}},
	{"gzip;q=0.5, br , *;q=0", 3, {"gzip;q=0.5", "br", "*;q=0"}},
};

static void members_come_from_the_front(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str list = str_from(rows[i].list), member;

		for (size_t k = 0; k < rows[i].count; k++) {
			assert_true(list_next(&list, &member));
			assert_true(str_eq(member, str_from(rows[i].members[k])));
		}
		assert_false(list_next(&list, &member));
	}
	(void)state;
}

static void members_come_from_the_back(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str list = str_from(rows[i].list), member;

		for (size_t k = rows[i].count; k-- > 0;) {
			assert_true(list_last(&list, &member));
			assert_true(str_eq(member, str_from(rows[i].members[k])));
		}
		assert_false(list_last(&list, &member));
	}
	(void)state;
}

static void a_cut_takes_empty_members_too(void **state)
{
	struct str list = STR_LITERAL("a,, b ");

	assert_true(str_eq(list_cut(&list), STR_LITERAL("a")));
	assert_int_equal(list_cut(&list).len, 0);
	assert_true(str_eq(list_cut(&list), STR_LITERAL("b")));
	assert_int_equal(list.len, 0);
	(void)state;
}

static void a_word_is_a_whole_member_in_any_case(void **state)
{
	struct str list = STR_LITERAL("keep-alive, Upgrade ,, x-one");

	assert_true(list_has(list, STR_LITERAL("keep-alive")));
	assert_true(list_has(list, STR_LITERAL("upgrade")));
	assert_true(list_has(list, STR_LITERAL("X-One")));
	assert_false(list_has(list, STR_LITERAL("alive")));
	assert_false(list_has(list, STR_LITERAL("x-one,")));
	assert_false(list_has((struct str){NULL, 0}, STR_LITERAL("a")));
	(void)state;
}

static void a_list_may_be_spread_over_fields(void **state)
{
	const struct http_field fields[] = {
		{STR_LITERAL("Vary"), STR_LITERAL("Origin")},
		{STR_LITERAL("x-vary"), STR_LITERAL("accept")},
		{STR_LITERAL("vary"), STR_LITERAL("a, Accept-Encoding")}};
	struct str name = STR_LITERAL("vary");

	assert_ptr_equal(http_field_find_nocase(fields, 3, name), &fields[0]);
	assert_null(http_field_find_nocase(fields, 3, STR_LITERAL("var")));
	assert_true(http_fields_list(fields, 3, name, STR_LITERAL("origin")));
	assert_true(http_fields_list(fields, 3, name, STR_LITERAL("accept-encoding")));
	assert_false(http_fields_list(fields, 3, name, STR_LITERAL("accept")));
	assert_false(http_fields_list(fields, 2, name, STR_LITERAL("accept-encoding")));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_from_the_front),
		cmocka_unit_test(members_come_from_the_back),
		cmocka_unit_test(a_cut_takes_empty_members_too),
		cmocka_unit_test(a_word_is_a_whole_member_in_any_case),
		cmocka_unit_test(a_list_may_be_spread_over_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
