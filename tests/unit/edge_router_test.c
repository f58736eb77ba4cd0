/* The router: which route a path finds, and which routes are refused with which words. */
#include <stdio.h>
#include <stdlib.h>

#include "edge/router.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

#define NOT_FOUND   -1
#define NOT_ALLOWED -2

static const char *const get[] = {"GET", NULL};
static const char *const post[] = {"POST", NULL};
static const char *const get_post[] = {"GET", "POST", NULL};
static const char *const head[] = {"HEAD", NULL};
static const char *const put_delete[] = {"PUT", "DELETE", NULL};

struct rule {
	const char *pattern;
	const char *const *methods;
};

static struct router_rule rule_of(const struct rule *rule, unsigned id)
{
	return (struct router_rule){
		.pattern = rule->pattern, .methods = rule->methods, .id = id, .line = (int)id * 10};
}

/* A rule's id is its place in the table, its line ten times that. */
static struct router *build(const struct rule *rules)
{
	struct router *router = router_new();
	struct err err = {0};

	for (unsigned i = 0; rules[i].pattern; i++) {
		struct router_rule rule = rule_of(&rules[i], i);
		if (router_add(router, &rule, &err) != 0)
			fail_msg("%s", err.text);
	}
	return router;
}

/* The id of the route, NOT_FOUND or NOT_ALLOWED. */
static int ask(const struct router *router, const char *method, const char *path,
	       struct router_match *out)
{
	struct router_request request = {
		.method = str_from(method), .scheme = STR_LITERAL("http"), .path = str_from(path)};

	switch (router_find(router, &request, out)) {
	case ROUTER_FOUND:
		return (int)out->id;
	case ROUTER_NOT_FOUND:
		return NOT_FOUND;
	case ROUTER_METHOD_NOT_ALLOWED:
		return NOT_ALLOWED;
	}
	return NOT_FOUND;
}

static int find(const struct router *router, const char *method, const char *path)
{
	struct router_match match;
	return ask(router, method, path, &match);
}

/* The parameters as "name=value name=value". */
static void assert_params(const struct router *router, const char *path, const char *expected)
{
	struct router_match match;
	char text[512] = "";
	size_t used = 0;

	assert_true(ask(router, "GET", path, &match) >= 0);
	for (size_t i = 0; i < match.param_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s=%.*s",
					 i ? " " : "", STR_ARG(match.params[i].name),
					 STR_ARG(match.params[i].value));
	assert_string_equal(text, expected);
}

static void a_literal_matches_itself_and_nothing_else(void **state)
{
	struct router *router =
		build((struct rule[]){{"/a/b", NULL}, {"/", NULL}, {"/slash/", NULL}, {0}});

	assert_int_equal(find(router, "GET", "/a/b"), 0);
	assert_int_equal(find(router, "GET", "/a"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/a/b/"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/a/b/c"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/A/b"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "//a/b"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/"), 1);
	assert_int_equal(find(router, "GET", ""), NOT_FOUND);
	assert_int_equal(find(router, "OPTIONS", "*"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/slash/"), 2);
	assert_int_equal(find(router, "GET", "/slash"), NOT_FOUND);
	router_free(router);
}

static void a_param_takes_one_segment_that_is_not_empty(void **state)
{
	struct router *router = build(
		(struct rule[]){{"/users/:id", NULL}, {"/users/:user/posts/:post", NULL}, {0}});

	assert_params(router, "/users/7", "id=7");
	assert_params(router, "/users/a%2Fb", "id=a%2Fb");
	assert_params(router, "/users/7/posts/x", "user=7 post=x");
	assert_int_equal(find(router, "GET", "/users/"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/users//posts/x"), NOT_FOUND);
	router_free(router);
}

static void a_rest_takes_all_that_is_left(void **state)
{
	struct router *router =
		build((struct rule[]){{"/files/*rest", NULL}, {"/:tenant/x/*path", NULL}, {0}});

	assert_params(router, "/files/a/b.txt", "rest=a/b.txt");
	assert_params(router, "/files/", "rest=");
	assert_params(router, "/files//a/", "rest=/a/");
	assert_params(router, "/acme/x/y/z", "tenant=acme path=y/z");
	assert_int_equal(find(router, "GET", "/files"), NOT_FOUND);
	router_free(router);
}

static void a_literal_beats_a_param_which_beats_a_rest(void **state)
{
	struct router *router = build((struct rule[]){{"/x/*rest", NULL},
						      {"/x/:id", NULL},
						      {"/x/me", NULL},
						      {"/x/:id/edit", NULL},
						      {"/x/me/:what", NULL},
						      {0}});

	assert_int_equal(find(router, "GET", "/x/me"), 2);
	assert_int_equal(find(router, "GET", "/x/you"), 1);
	assert_int_equal(find(router, "GET", "/x/"), 0);
	assert_int_equal(find(router, "GET", "/x/you/edit"), 3);
	assert_int_equal(find(router, "GET", "/x/me/edit"), 4);
	assert_int_equal(find(router, "GET", "/x/you/other"), 0);
	router_free(router);
}

static void goes_back_when_the_better_branch_leads_nowhere(void **state)
{
	struct router *router = build((struct rule[]){
		{"/a/b/c", NULL}, {"/a/:x/d", NULL}, {"/:p/b/e", NULL}, {"/*all", NULL}, {0}});

	assert_int_equal(find(router, "GET", "/a/b/c"), 0);
	assert_params(router, "/a/b/d", "x=b");
	assert_params(router, "/a/b/e", "p=a");
	assert_params(router, "/a/b/f", "all=a/b/f");
	router_free(router);
}

static void a_method_that_the_better_branch_lacks_is_looked_for_further(void **state)
{
	struct router *router = build(
		(struct rule[]){{"/x/me", post}, {"/x/:id", get}, {"/x/*rest", put_delete}, {0}});
	struct router_match match;

	assert_int_equal(find(router, "POST", "/x/me"), 0);
	assert_int_equal(find(router, "GET", "/x/me"), 1);
	assert_int_equal(find(router, "DELETE", "/x/me"), 2);
	assert_int_equal(ask(router, "PATCH", "/x/me", &match), NOT_ALLOWED);
	assert_str(match.allow, "DELETE, GET, HEAD, POST, PUT");
	assert_int_equal(ask(router, "PATCH", "/x/you", &match), NOT_ALLOWED);
	assert_str(match.allow, "DELETE, GET, HEAD, PUT");
	router_free(router);
}

static void head_takes_the_route_of_get_unless_it_has_its_own(void **state)
{
	struct router *router = build((struct rule[]){
		{"/a", get}, {"/b", get_post}, {"/b", head}, {"/c", post}, {"/c", NULL}, {0}});
	struct router_match match;

	assert_int_equal(find(router, "HEAD", "/a"), 0);
	assert_int_equal(find(router, "HEAD", "/b"), 2);
	assert_int_equal(find(router, "HEAD", "/c"), 4);
	assert_int_equal(ask(router, "OPTIONS", "/a", &match), NOT_ALLOWED);
	assert_str(match.allow, "GET, HEAD");
	assert_int_equal(find(router, "get", "/a"), NOT_ALLOWED);
	router_free(router);
}

static void a_route_for_one_method_beats_one_for_every_method(void **state)
{
	struct router *router = build((struct rule[]){{"/a", NULL}, {"/a", post}, {0}});

	assert_int_equal(find(router, "POST", "/a"), 1);
	assert_int_equal(find(router, "GET", "/a"), 0);
	assert_int_equal(find(router, "BREW", "/a"), 0);
	router_free(router);
}

static void names_belong_to_the_route_and_not_to_the_place(void **state)
{
	struct router *router = build(
		(struct rule[]){{"/u/:name", get}, {"/u/:id/x", get}, {"/u/:key", post}, {0}});
	struct router_match match;

	assert_params(router, "/u/1", "name=1");
	assert_params(router, "/u/1/x", "id=1");
	assert_int_equal(ask(router, "POST", "/u/1", &match), 2);
	assert_str(match.params[0].name, "key");
	router_free(router);
}

/* Adds the rules; the last one must be refused. */
static struct err refusal(const struct rule *rules)
{
	struct router *router = router_new();
	struct err err = {0};
	int result = 0;

	for (unsigned i = 0; rules[i].pattern; i++) {
		assert_int_equal(result, 0);
		struct router_rule rule = rule_of(&rules[i], i);

		rule.line += 10;
		result = router_add(router, &rule, &err);
	}
	assert_true(result < 0);
	router_free(router);
	return err;
}

static void two_routes_for_the_same_requests_conflict_and_both_are_named(void **state)
{
	struct err err = refusal((struct rule[]){{"/u/:id", get}, {"/u/:name", get_post}, {0}});
	assert_int_equal(err.code, ERR_CONFIG_CONFLICT);
	assert_string_equal(err.text,
			    "line 20: the route \"/u/:name\" takes the same requests (GET) as line "
			    "10: the route \"/u/:id\"");

	err = refusal((struct rule[]){{"/f/*a", NULL}, {"/f/*b", NULL}, {0}});
	assert_int_equal(err.code, ERR_CONFIG_CONFLICT);
	assert_non_null(strstr(err.text, "every method"));

	err = refusal((struct rule[]){{"/f", (const char *const[]){"GET", "GET", NULL}}, {0}});
	assert_int_equal(err.code, ERR_CONFIG_DUPLICATE);
	assert_non_null(strstr(err.text, "lists GET twice"));
}

static void a_pattern_that_cannot_be_meant_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *pattern;
		const char *why;
	} cases[] = {
		{"", "does not start with \"/\""},
		{"users", "does not start with \"/\""},
		{"*", "does not start with \"/\""},
		{"/:", "without a name"},
		{"/a/*", "without a name"},
		{"/:a-b", "not made of letters"},
		{"/:1a", "not made of letters"},
		{"/:a/:a", "same name twice"},
		{"/:a/*a", "same name twice"},
		{"/*a/b", "goes on after"},
		{"/*a/", "goes on after"},
		{"/a*", "\"*\" inside a segment"},
		{"/a//b", "empty segment"},
		{"//", "empty segment"},
		{"/a/../b", "\"..\" segment"},
		{"/.", "\"..\" segment"},
		{"/a?b=c", "no query"},
		{"/users/{id}", "write \":name\""},
		{"/a%20b", "has an escape"},
		{"/100%", "has an escape"},
		{"/a\tb", "control character"},
		{"/a\xff", "not UTF-8"},
		{"/:a<int", "no \">\" closes"},
		{"/:a<int>b", "no \">\" closes"},
		{"/:a<>", "there are uuid, uint, int, hex, alpha, slug"},
		{"/:a<integer>", "there are uuid"},
		{"/:<int>", "without a name"},
		{"/*a<int>", "only a \":name\" has one"},
		{"/:a<int>/:a<hex>", "same name twice"},
		{"/:a/:b/:c/:d/:e/:f/:g/:h/:i/:j/:k/:l/:m/:n/:o/:p/:q", "more than 16 names"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = refusal((struct rule[]){{cases[i].pattern, NULL}, {0}});
		assert_int_equal(err.code, ERR_CONFIG_RANGE);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].pattern, err.text);
		assert_int_equal(strncmp(err.text, "line 10: ", 9), 0);
	}
}

static void unusual_literals_are_literals(void **state)
{
	struct router *router = build((struct rule[]){{"/v1/models:predict", NULL},
						      {"/a%2Fb", NULL},
						      {"/100%25", NULL},
						      {"/größe/~x", NULL},
						      {0}});

	assert_int_equal(find(router, "GET", "/v1/models:predict"), 0);
	assert_int_equal(find(router, "GET", "/a%2Fb"), 1);
	assert_int_equal(find(router, "GET", "/a/b"), NOT_FOUND);
	assert_int_equal(find(router, "GET", "/100%25"), 2);
	assert_int_equal(find(router, "GET", "/größe/~x"), 3);
	router_free(router);
}

static void sixteen_names_fit_and_a_deeper_path_writes_no_seventeenth(void **state)
{
	struct router *router = build(
		(struct rule[]){{"/:a/:b/:c/:d/:e/:f/:g/:h/:i/:j/:k/:l/:m/:n/:o/:p", NULL}, {0}});

	assert_params(router, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
		      "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13 n=14 o=15 p=16");
	assert_int_equal(find(router, "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
			 NOT_FOUND);
	router_free(router);
}

static void the_order_of_the_rules_changes_nothing(void **state)
{
	static const char *const patterns[] = {"/a/:x", "/a/b", "/:y/b", "/*z", "/a/*w", "/:v"};
	static const char *const paths[] = {"/a/b", "/a/c", "/q/b", "/q/c", "/q", "/a/", "/"};
	enum {
		COUNT = sizeof(patterns) / sizeof(patterns[0]),
		PATHS = sizeof(paths) / sizeof(paths[0])
	};
	int expected[PATHS];

	for (unsigned turn = 0; turn < COUNT; turn++) {
		struct router *router = router_new();
		for (unsigned i = 0; i < COUNT; i++) {
			unsigned which = (i * 5 + turn) % COUNT;
			struct router_rule rule = {.pattern = patterns[which], .id = which};
			assert_int_equal(router_add(router, &rule, NULL), 0);
		}
		for (size_t i = 0; i < PATHS; i++) {
			int id = find(router, "GET", paths[i]);
			if (turn == 0)
				expected[i] = id;
			assert_int_equal(id, expected[i]);
		}
		router_free(router);
	}
	assert_int_equal(expected[0], 1);
	assert_int_equal(expected[4], 5);
}

static void finds_each_of_ten_thousand_routes(void **state)
{
	enum { COUNT = 10000 };
	struct router *router = router_new();
	char(*patterns)[48] = calloc(COUNT, sizeof(*patterns));
	char path[48];

	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(patterns[i], sizeof(patterns[i]), "/service%u/items/:id", i);
		assert_int_equal(router_add(router,
					    &(struct router_rule){.pattern = patterns[i],
								  .methods = get,
								  .id = i},
					    NULL),
				 0);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof(path), "/service%u/items/%u", i, i);
		assert_int_equal(find(router, "GET", path), (int)i);
	}
	router_free(router);
	free(patterns);
}

static void a_flood_of_different_methods_is_refused(void **state)
{
	enum { COUNT = 40 };
	struct router *router = router_new();
	struct err err = {0};
	char names[COUNT][8];
	int result = 0;
	int added = 0;

	for (unsigned i = 0; i < COUNT && result == 0; i++) {
		const char *methods[] = {names[i], NULL};
		snprintf(names[i], sizeof(names[i]), "M%u", i);
		result =
			router_add(router,
				   &(struct router_rule){
					   .pattern = "/a", .methods = methods, .id = i, .line = 3},
				   &err);
		added += result == 0;
	}
	assert_int_equal(added, 30);
	assert_int_equal(err.code, ERR_CONFIG_RANGE);
	struct router_match match;
	assert_int_equal(ask(router, "GET", "/a", &match), NOT_ALLOWED);
	assert_true(match.allow.len < ROUTER_ALLOW_BYTES);
	router_free(router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_matches_itself_and_nothing_else),
		cmocka_unit_test(a_param_takes_one_segment_that_is_not_empty),
		cmocka_unit_test(a_rest_takes_all_that_is_left),
		cmocka_unit_test(a_literal_beats_a_param_which_beats_a_rest),
		cmocka_unit_test(goes_back_when_the_better_branch_leads_nowhere),
		cmocka_unit_test(a_method_that_the_better_branch_lacks_is_looked_for_further),
		cmocka_unit_test(head_takes_the_route_of_get_unless_it_has_its_own),
		cmocka_unit_test(a_route_for_one_method_beats_one_for_every_method),
		cmocka_unit_test(names_belong_to_the_route_and_not_to_the_place),
		cmocka_unit_test(two_routes_for_the_same_requests_conflict_and_both_are_named),
		cmocka_unit_test(a_pattern_that_cannot_be_meant_is_refused_with_the_reason),
		cmocka_unit_test(unusual_literals_are_literals),
		cmocka_unit_test(sixteen_names_fit_and_a_deeper_path_writes_no_seventeenth),
		cmocka_unit_test(the_order_of_the_rules_changes_nothing),
		cmocka_unit_test(finds_each_of_ten_thousand_routes),
		cmocka_unit_test(a_flood_of_different_methods_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
