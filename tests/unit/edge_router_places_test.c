/* The router where routes name hosts, schemes and types: which of them wins, and what an operator
 * is told about it. What is told comes from the rules alone, so it is also a second opinion on what
 * the trees find. */
#include <stdio.h>
#include <stdlib.h>

#include "edge/router.h"
#include "edge/router_explain.h"
#include "edge/router_host.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

#define NOT_FOUND   -1
#define NOT_ALLOWED -2
#define RULES_MAX   64

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Rules end with one without a pattern. An id is the rule's place. */
static struct router *build(const struct router_rule *rules)
{
	struct router *router = router_new();
	struct err err = {0};

	for (unsigned i = 0; rules[i].pattern; i++) {
		struct router_rule rule = rules[i];

		rule.id = i;
		if (router_add(router, &rule, &err) != 0)
			fail_msg("%s", err.text);
	}
	return router;
}

static size_t count_rules(const struct router_rule *rules)
{
	size_t count = 0;

	while (rules[count].pattern)
		count++;
	return count;
}

/* What the rules say, one by one. */
static int opinion(const struct router_rule *rules, const struct router_request *request)
{
	struct router_candidate candidates[RULES_MAX];
	size_t count = router_explain(rules, count_rules(rules), request, candidates);
	int answer = NOT_FOUND;

	if (count > 0 && candidates[0].fate == FATE_WINS)
		return (int)candidates[0].index;
	for (size_t i = 0; i < count; i++)
		answer = candidates[i].fate == FATE_OTHER_METHOD ? NOT_ALLOWED : answer;
	return answer;
}

static int ask(const struct router *router, const struct router_request *request,
	       struct router_match *match)
{
	switch (router_find(router, request, match)) {
	case ROUTER_FOUND:
		return (int)match->id;
	case ROUTER_METHOD_NOT_ALLOWED:
		return NOT_ALLOWED;
	case ROUTER_NOT_FOUND:
		break;
	}
	return NOT_FOUND;
}

/* "GET", "https", "a.example:8443", "/x" → the rule; both opinions must be the same. */
static int find(const struct router_rule *rules, const char *method, const char *scheme,
		const char *authority, const char *path)
{
	struct router *router = build(rules);
	struct router_request request = {str_from(method), str_from(scheme), str_from(authority),
					 str_from(path)};
	struct router_match match;
	int found = ask(router, &request, &match);

	assert_int_equal(opinion(rules, &request), found);
	router_free(router);
	return found;
}

static int find_path(const struct router_rule *rules, const char *path)
{
	return find(rules, "GET", "http", "", path);
}

static int find_host(const struct router_rule *rules, const char *authority)
{
	return find(rules, "GET", "http", authority, "/x");
}

/* ---- types ---- */

static void a_type_takes_what_it_says(void **state)
{
	static const struct {
		const char *type;
		const char *fits;
		const char *misses;
	} rows[] = {
		{"int", "0 -1 007 9223372036854775807 -9223372036854775808",
		 "- +1 1.0 1e3 0x1 9223372036854775808 -9223372036854775809 1a %25"},
		{"uint", "0 18446744073709551615", "-1 18446744073709551616 a"},
		{"hex", "0 deadBEEF 123", "g 0x1 de-ad"},
		{"uuid",
		 "123e4567-e89b-12d3-a456-426614174000 123E4567-E89B-12D3-A456-426614174000",
		 "123e4567e89b12d3a456426614174000 123e4567-e89b-12d3-a456-42661417400g "
		 "{123e4567-e89b-12d3-a456-42661417400} 1"},
		{"alpha", "a Z abcXYZ", "a1 a-b \xc3\xa4 @ [ ` {"},
		{"slug", "a 1 a-b-3", "-a a- a--b A a_b"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int fits = 0; fits < 2; fits++) {
			char pattern[20], path[80], *words, *word, *rest;
			const struct router_rule rules[] = {{.pattern = pattern}, {0}};

			snprintf(pattern, sizeof(pattern), "/:v<%s>", rows[i].type);
			words = rest = strdup(fits ? rows[i].fits : rows[i].misses);
			while ((word = strtok_r(rest, " ", &rest))) {
				snprintf(path, sizeof(path), "/%s", word);
				if (find_path(rules, path) != (fits ? 0 : NOT_FOUND))
					fail_msg("%s: %s", rows[i].type, word);
			}
			free(words);
		}
	}
}

static void a_type_beats_none_and_types_have_an_order(void **state)
{
	const struct router_rule rules[] = {
		{.pattern = "/:v"},	   {.pattern = "/:v<slug>"},
		{.pattern = "/:v<alpha>"}, {.pattern = "/:v<hex>"},
		{.pattern = "/:v<int>"},   {.pattern = "/:v<uint>"},
		{.pattern = "/:v<uuid>"},  {.pattern = "/7"},
		{.pattern = "/*v"},	   {0},
	};
	static const struct {
		const char *path;
		int rule;
	} rows[] = {
		{"/7", 7},   {"/8", 5},	  {"/-8", 4},
		{"/8a", 3},  {"/xyz", 2}, {"/x-y", 1},
		{"/X-Y", 0}, {"/", 8},	  {"/123e4567-e89b-12d3-a456-426614174000", 6},
		{"/a/b", 8},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(find_path(rules, rows[i].path), rows[i].rule);
}

static void goes_back_from_a_type_that_leads_nowhere(void **state)
{
	const struct router_rule rules[] = {{.pattern = "/:a<int>/x"},
					    {.pattern = "/:b<hex>/y"},
					    {.pattern = "/:c/z"},
					    {.pattern = "/:d<int>/:e<int>"},
					    {.pattern = "/:f<int>/:g/x"},
					    {.pattern = "/:h<hex>/*rest"},
					    {0}};
	struct router *router = build(rules);
	struct router_request request = {.method = STR_LITERAL("GET"),
					 .path = STR_LITERAL("/12/y")};
	struct router_match match;

	assert_int_equal(ask(router, &request, &match), 1);
	assert_int_equal(match.param_count, 1);
	assert_str(match.params[0].name, "b");
	assert_str(match.params[0].value, "12");
	request.path = STR_LITERAL("/12/q/y"); /* f and g were captured, and given up */
	assert_int_equal(ask(router, &request, &match), 5);
	assert_int_equal(match.param_count, 2);
	assert_str(match.params[1].name, "rest");
	assert_str(match.params[1].value, "q/y");
	router_free(router);
	assert_int_equal(find_path(rules, "/xy/z"), 2);
	assert_int_equal(find_path(rules, "/12/13"), 3);
	assert_int_equal(find_path(rules, "/12/q"), 5);
	assert_int_equal(find_path(rules, "/x/q"), NOT_FOUND);
}

/* ---- hosts ---- */

static const struct router_rule hosted[] = {
	{.pattern = "/x"},
	{.pattern = "/x", .hosts = LIST("*.example.com")},
	{.pattern = "/x", .hosts = LIST("*.deep.example.com")},
	{.pattern = "/x",
	 .hosts = LIST("API.example.com", "other.example", "[2001:db8::1]", "192.0.2.7")},
	{.pattern = "/any-host"},
	{.pattern = "/:id", .methods = LIST("PUT"), .hosts = LIST("api.example.com")},
	{0},
};

static void the_more_exact_host_wins(void **state)
{
	static const struct {
		const char *authority;
		int rule;
	} rows[] = {
		{"api.example.com", 3},
		{"other.example", 3},
		{"www.example.com", 1},
		{"a.b.example.com", 1},
		{"a.deep.example.com", 2},
		{"b.a.deep.example.com", 2},
		{"deep.example.com", 1},
		{"example.com", 0},
		{"badexample.com", 0},
		{".example.com", 0},
		{"", 0},
		{"192.0.2.7", 3},
		{"192.0.2.8", 0},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (find_host(hosted, rows[i].authority) != rows[i].rule)
			fail_msg("%s", rows[i].authority);
	}
}

static void port_case_and_a_dot_at_the_end_make_no_other_host(void **state)
{
	static const char *const same[] = {"api.example.com:80", "API.EXAMPLE.COM",
					   "api.example.com.",	 "Api.Example.Com.:8443",
					   "api.example.com:",	 "[2001:db8::1]",
					   "[2001:DB8::1]:8443"};
	char longest[2 * ROUTER_HOST_BYTES];

	for (size_t i = 0; i < COUNT_OF(same); i++)
		assert_int_equal(find_host(hosted, same[i]), 3);
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + sizeof(longest) - sizeof(".example.com"), ".example.com");
	assert_int_equal(find_host(hosted, longest), 0); /* nobody's name is that long */
}

static void where_the_better_host_leads_nowhere_the_next_is_tried(void **state)
{
	assert_int_equal(find(hosted, "GET", "http", "api.example.com", "/any-host"), 4);
	assert_int_equal(find(hosted, "PUT", "http", "api.example.com", "/any-host"), 5);
	assert_int_equal(find(hosted, "GET", "http", "www.example.com", "/none"), NOT_FOUND);
	assert_int_equal(find(hosted, "GET", "http", "api.example.com", "/none"), NOT_ALLOWED);
	assert_int_equal(find(hosted, "GET", "http", "other.example", "/none"), NOT_FOUND);
}

static void the_methods_of_all_hosts_that_match_are_told(void **state)
{
	const struct router_rule rules[] = {
		{.pattern = "/x", .methods = LIST("POST"), .hosts = LIST("a.example")},
		{.pattern = "/x", .methods = LIST("PUT")},
		{.pattern = "/x", .methods = LIST("DELETE"), .hosts = LIST("b.example")},
		{0}};
	struct router *router = build(rules);
	struct router_request request = {STR_LITERAL("GET"), STR_LITERAL("http"),
					 STR_LITERAL("a.example"), STR_LITERAL("/x")};
	struct router_match match;

	assert_int_equal(ask(router, &request, &match), NOT_ALLOWED);
	assert_str(match.allow, "POST, PUT");
	router_free(router);
}

static void the_scheme_counts_most(void **state)
{
	const struct router_rule rules[] = {
		{.pattern = "/*all", .scheme = ROUTER_HTTP},
		{.pattern = "/acme/:token", .scheme = ROUTER_HTTP},
		{.pattern = "/x", .hosts = LIST("a.example")},
		{.pattern = "/x", .hosts = LIST("a.example"), .scheme = ROUTER_HTTPS},
		{.pattern = "/y"},
		{0}};

	assert_int_equal(find(rules, "GET", "http", "a.example", "/x"), 0);
	assert_int_equal(find(rules, "GET", "http", "a.example", "/acme/t"), 1);
	assert_int_equal(find(rules, "GET", "https", "a.example", "/x"), 3);
	assert_int_equal(find(rules, "GET", "https", "b.example", "/x"), NOT_FOUND);
	assert_int_equal(find(rules, "GET", "https", "b.example", "/y"), 4);
	assert_int_equal(find(rules, "GET", "gopher", "a.example", "/x"), 2);
}

/* ---- refusals ---- */

/* The last of the rules must be refused. */
static void assert_refused(const struct router_rule *rules, int code, const char *says)
{
	struct router *router = router_new();
	struct err err = {0};
	size_t count = count_rules(rules);

	for (size_t i = 0; i < count; i++)
		assert_int_equal(router_add(router, &rules[i], &err) < 0, i + 1 == count);
	router_free(router);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, says))
		fail_msg("'%s' is not in: %s", says, err.text);
}

#define RULES(...) ((const struct router_rule[]){__VA_ARGS__, {0}})

static void what_is_the_same_for_one_host_conflicts_and_names_it(void **state)
{
	assert_refused(RULES({.pattern = "/x", .hosts = LIST("a.example", "b.example")},
			     {.pattern = "/x", .hosts = LIST("c.example", "B.example"), .line = 7}),
		       ERR_CONFIG_CONFLICT, "every method of B.example");
	assert_refused(RULES({.pattern = "/:a<int>"}, {.pattern = "/:b<int>"}), ERR_CONFIG_CONFLICT,
		       "takes the same requests");
	assert_refused(RULES({.pattern = "/x", .hosts = LIST("a.example", "A.example")}),
		       ERR_CONFIG_DUPLICATE, "is listed twice");
	assert_refused(RULES({.pattern = "/x", .hosts = (const char *const[]){NULL}}),
		       ERR_CONFIG_RANGE, "its list is empty");
}

static void what_is_no_host_is_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "*",
					    "*.",
					    "a.*.example",
					    "a.example:80",
					    "http://a.example",
					    "a..example",
					    ".example",
					    "a.example.",
					    "a b",
					    "[::1]:80",
					    "[::1",
					    "[]",
					    "*.*.example.com",
					    "a/b",
					    "\xc3\xa4.de"};

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_non_null(host_fault(str_from(wrong[i])));
		assert_refused(RULES({.pattern = "/x", .hosts = LIST(wrong[i])}), ERR_CONFIG_RANGE,
			       "is not the name of a host");
	}
	assert_null(host_fault(STR_LITERAL("a_b-c.example")));
}

/* ---- what an operator is told ---- */

static enum router_fate fate_of(const struct router_candidate *candidates, size_t count,
				unsigned rule)
{
	for (size_t i = 0; i < count; i++) {
		if (candidates[i].index == rule)
			return candidates[i].fate;
	}
	fail_msg("rule %u is no candidate", rule);
	return FATE_WINS;
}

static void each_candidate_has_its_reason(void **state)
{
	const struct router_rule rules[] = {
		{.pattern = "/u/:id<int>", .methods = LIST("GET"), .hosts = LIST("a.example")},
		{.pattern = "/u/:id<int>", .hosts = LIST("a.example")},
		{.pattern = "/u/:id", .hosts = LIST("a.example")},
		{.pattern = "/u/7", .hosts = LIST("*.example")},
		{.pattern = "/u/7", .hosts = LIST("b.example")},
		{.pattern = "/u/7", .methods = LIST("POST")},
		{.pattern = "/u/:id<alpha>"},
		{.pattern = "/u/7", .scheme = ROUTER_HTTPS},
		{.pattern = "/v/7"},
		{.pattern = "/*all", .hosts = LIST("a.example")},
		{0},
	};
	struct router_request request = {STR_LITERAL("GET"), STR_LITERAL("http"),
					 STR_LITERAL("a.example"), STR_LITERAL("/u/7")};
	struct router_candidate candidates[RULES_MAX];
	size_t count = router_explain(rules, count_rules(rules), &request, candidates);

	assert_int_equal(count, 9); /* all but /v/7 */
	assert_int_equal(candidates[0].index, 0);
	assert_int_equal(candidates[0].fate, FATE_WINS);
	assert_int_equal(fate_of(candidates, count, 1), FATE_LESS_METHOD);
	assert_int_equal(fate_of(candidates, count, 2), FATE_LESS_PATH);
	assert_int_equal(fate_of(candidates, count, 3), FATE_LESS_HOST);
	assert_int_equal(fate_of(candidates, count, 4), FATE_OTHER_HOST);
	assert_int_equal(fate_of(candidates, count, 5), FATE_OTHER_METHOD);
	assert_int_equal(fate_of(candidates, count, 6), FATE_OTHER_TYPE);
	assert_int_equal(fate_of(candidates, count, 7), FATE_OTHER_SCHEME);
	assert_int_equal(fate_of(candidates, count, 9), FATE_LESS_PATH);
}

/* ---- both opinions ---- */

#define PICK(list) (list)[(*seed = *seed * 1103515245u + 12345u) / 65536u % COUNT_OF(list)]

/* At the top, because lists in a function end with it. */
static const char *const *const some_hosts[] = {
	NULL, NULL, LIST("a.x"), LIST("*.x"), LIST("*.b.x", "a.x"), LIST("b.x")};
static const char *const *const some_methods[] = {NULL, LIST("GET"), LIST("HEAD", "PUT"),
						  LIST("PUT")};

static struct router_rule random_rule(unsigned *seed)
{
	static const char *const patterns[] = {
		"/a",	   "/:x",	"/:x<int>",    "/:x<hex>",	 "/*r",
		"/a/b",	   "/a/:x",	"/a/:x<uint>", "/:x<hex>/:y",	 "/:x/b",
		"/a/*r",   "/:x/:y",	"/1/:y",       "/:x<alpha>/b",	 "/:x<int>/:y<slug>",
		"/a/b/*r", "/:x/:y/*r", "/1/2",	       "/:x<slug>/2/:z", "/"};
	static const enum router_scheme schemes[] = {ROUTER_ANY_SCHEME, ROUTER_ANY_SCHEME,
						     ROUTER_HTTP, ROUTER_HTTPS};

	return (struct router_rule){.pattern = PICK(patterns),
				    .methods = PICK(some_methods),
				    .hosts = PICK(some_hosts),
				    .scheme = PICK(schemes)};
}

static struct router_request random_request(unsigned *seed)
{
	static const char *const paths[] = {"/",    "/a",   "/1",     "/a/b",	  "/a/1",   "/1/b",
					    "/1/2", "/f/b", "/a/b/c", "/1/2/c/d", "/x-y/2", "/a/"};
	static const char *const hosts[] = {"", "a.x", "b.x", "c.b.x", "A.X:80", "y"};
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST"};
	static const char *const schemes[] = {"http", "https"};

	return (struct router_request){str_from(PICK(methods)), str_from(PICK(schemes)),
				       str_from(PICK(hosts)), str_from(PICK(paths))};
}

/* The last of them takes requests that one before takes too. */
static bool has_conflict(const struct router_rule *rules, unsigned count)
{
	struct router *router = router_new();
	int r = 0;

	for (unsigned i = 0; i < count && r == 0; i++)
		r = router_add(router, &rules[i], NULL);
	router_free(router);
	return r < 0;
}

static void random_rules(unsigned *seed, struct router_rule *rules)
{
	unsigned count = 0;

	for (unsigned tries = 0; tries < 20; tries++) {
		rules[count] = random_rule(seed);
		count += !has_conflict(rules, count + 1);
	}
	rules[count] = (struct router_rule){0};
}

static void what_is_told_is_what_happens(void **state)
{
	struct router_rule rules[RULES_MAX];
	struct router_match match;
	unsigned seed = 1, found = 0;

	for (unsigned turn = 0; turn < 300; turn++) {
		struct router *router;

		random_rules(&seed, rules);
		router = build(rules);
		for (unsigned i = 0; i < 60; i++) {
			struct router_request request = random_request(&seed);
			int told = opinion(rules, &request);

			assert_int_equal(ask(router, &request, &match), told);
			found += told >= 0;
		}
		router_free(router);
	}
	assert_true(found > 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_takes_what_it_says),
		cmocka_unit_test(a_type_beats_none_and_types_have_an_order),
		cmocka_unit_test(goes_back_from_a_type_that_leads_nowhere),
		cmocka_unit_test(the_more_exact_host_wins),
		cmocka_unit_test(port_case_and_a_dot_at_the_end_make_no_other_host),
		cmocka_unit_test(where_the_better_host_leads_nowhere_the_next_is_tried),
		cmocka_unit_test(the_methods_of_all_hosts_that_match_are_told),
		cmocka_unit_test(the_scheme_counts_most),
		cmocka_unit_test(what_is_the_same_for_one_host_conflicts_and_names_it),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(each_candidate_has_its_reason),
		cmocka_unit_test(what_is_told_is_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
