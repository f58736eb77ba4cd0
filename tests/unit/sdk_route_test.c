/* Which route a path belongs to, whatever the order in the table. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/route.h"

static struct plug_answer nothing(struct plug_call *call)
{
	return (struct plug_answer){call};
}

static struct wire_bytes bytes(const char *text)
{
	return (struct wire_bytes){(const uint8_t *)text, strlen(text)};
}

static const struct plug_http_route routes[] = {
	{"GET", "/files/*rest", nothing, false, 0},
	{"GET", "/users/:id", nothing, false, 0},
	{"GET", "/users/me", nothing, false, 0},
	{"DELETE", "/users/:id", nothing, false, 0},
	{"GET", "/", nothing, false, 0},
	{"GET", "/users/:id/posts", nothing, false, 0},
	{NULL, "/any", nothing, false, 0},
	{"GET", "/files/fixed", nothing, false, 0},
};

static void the_most_exact_route_wins(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		const char *pattern; /* NULL: none */
		bool known;
	} rows[] = {
		{"GET", "/", "/", true},
		{"GET", "/users/me", "/users/me", true},
		{"GET", "/users/7", "/users/:id", true},
		{"DELETE", "/users/me", "/users/:id", true},
		{"GET", "/users/7/posts", "/users/:id/posts", true},
		{"GET", "/users/", NULL, false},
		{"GET", "/users", NULL, false},
		{"GET", "/users/7/", NULL, false},
		{"PUT", "/users/7", NULL, true},
		{"HEAD", "/users/7", "/users/:id", true},
		{"GET", "/files/a/b", "/files/*rest", true},
		{"GET", "/files/", "/files/*rest", true},
		{"GET", "/files", NULL, false},
		{"GET", "/files/fixed", "/files/fixed", true},
		{"PATCH", "/any", "/any", true},
		{"GET", "", NULL, false},
		{"GET", "no-slash", NULL, false},
	};
	struct route_table table;

	(void)state;
	assert_null(route_table_init(&table, routes, PLUG_COUNT(routes)));
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		bool known;
		struct route_entry *entry =
			route_find(&table, bytes(rows[i].method), bytes(rows[i].path), &known);

		if (rows[i].pattern == NULL)
			assert_null(entry);
		else
			assert_string_equal(entry->route->pattern, rows[i].pattern);
		assert_int_equal(known, rows[i].known);
	}
	route_table_deinit(&table);
}

/* The handlers tell the rows apart. */
static struct plug_answer other(struct plug_call *call)
{
	return nothing(call);
}

static void head_is_a_get_unless_it_has_a_route(void **state)
{
	static const struct plug_http_route own[] = {
		{NULL, "/a", other, false, 0},	   {"GET", "/a", nothing, false, 0},
		{NULL, "/:x", other, false, 0},	   {"GET", "/b", other, false, 0},
		{"HEAD", "/b", nothing, false, 0},
	};
	static const char *const paths[] = {"/a", "/b"};
	struct route_table table;
	bool known;

	(void)state;
	assert_null(route_table_init(&table, own, PLUG_COUNT(own)));
	for (size_t i = 0; i < PLUG_COUNT(paths); i++) {
		struct route_entry *entry =
			route_find(&table, bytes("HEAD"), bytes(paths[i]), &known);

		assert_non_null(entry);
		assert_ptr_equal(entry->route->handler, nothing);
	}
	route_table_deinit(&table);
}

static void names_capture_their_part(void **state)
{
	struct wire_bytes value;

	(void)state;
	assert_true(
		route_param("/users/:id/posts/:post", bytes("/users/7/posts/99"), "post", &value));
	assert_memory_equal(value.data, "99", 2);
	assert_true(route_param("/files/*rest", bytes("/files/a/b"), "rest", &value));
	assert_int_equal(value.len, 3);
	assert_true(route_param("/files/*rest", bytes("/files/"), "rest", &value));
	assert_int_equal(value.len, 0);
	assert_false(route_param("/users/:id", bytes("/users/7"), "other", &value));
	assert_false(route_param("/users/:id", bytes("/users/7"), "users", &value));
}

static void bad_tables_are_refused(void **state)
{
	static const struct plug_http_route rows[][2] = {
		{{"GET", "users", nothing, false, 0}, {"GET", "/", nothing, false, 0}},
		{{"GET", "/a/:", nothing, false, 0}, {"GET", "/", nothing, false, 0}},
		{{"GET", "/a/*rest/b", nothing, false, 0}, {"GET", "/", nothing, false, 0}},
		{{"GET", "/a/:x", nothing, false, 0}, {"GET", "/a/:y", nothing, false, 0}},
		{{"GET", "/a", NULL, false, 0}, {"GET", "/", nothing, false, 0}},
		{{NULL, "/a", nothing, false, 0}, {NULL, "/a", nothing, false, 0}},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct route_table table;

		assert_non_null(route_table_init(&table, rows[i], 2));
		route_table_deinit(&table);
	}
}

static void allow_lists_each_method_once(void **state)
{
	struct route_table table;
	char allow[64];

	(void)state;
	assert_null(route_table_init(&table, routes, PLUG_COUNT(routes)));
	route_allow(&table, bytes("/users/me"), allow, sizeof(allow));
	assert_string_equal(allow, "GET, HEAD, DELETE");
	route_table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_exact_route_wins),
		cmocka_unit_test(head_is_a_get_unless_it_has_a_route),
		cmocka_unit_test(names_capture_their_part),
		cmocka_unit_test(bad_tables_are_refused),
		cmocka_unit_test(allow_lists_each_method_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
