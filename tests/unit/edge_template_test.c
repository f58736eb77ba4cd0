/* Texts with holes: what may be written, and what comes out whatever a request brings. */
#include <stdio.h>

#include "edge/template.h"
#include "tests/support/unit.h"

/* What the template makes of a request for `path`, whose captures are in `values`. In the arena. */
static struct str expand(struct arena *arena, enum template_use use, const char *text,
			 const char *route, const char *path, const char *const *values)
{
	struct router_param params[ROUTER_MAX_PARAMS];
	struct template template;
	struct pattern pattern;
	const char *fault;

	assert_null(pattern_fault(&pattern, route));
	fault = template_parse(&template, arena, use, text, &pattern);
	if (fault)
		fail_msg("%s: %s", text, fault);
	for (size_t i = 0; values[i]; i++)
		params[i] = (struct router_param){{NULL, 0}, str_from(values[i])};
	return template_expand(&template,
			       &(struct template_facts){STR_LITERAL("http"),
							STR_LITERAL("a.example"), str_from(path),
							params},
			       arena);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE	    ((const char *const[]){NULL})

static void a_location_is_the_text_with_what_was_captured(void **state)
{
	const struct {
		const char *to;
		const char *route;
		const char *path;
		const char *const *values;
		const char *location;
	} rows[] = {
		{"/new", "/old", "/old", NONE, "/new"},
		{"/new/:id", "/old/:id", "/old/7", VALUES("7"), "/new/7"},
		{"/b/:b/a/:a/", "/:a/:b", "/1/2", VALUES("1", "2"), "/b/2/a/1/"},
		{"/n/*rest", "/o/:x/*rest", "/o/1/a/b", VALUES("1", "a/b"), "/n/a/b"},
		{"/n/*rest", "/o/*rest", "/o/", VALUES(""), "/n/"},
		{"/s?q=1&r=:id", "/:id", "/7", VALUES("7"), "/s?q=1&r=:id"},
		{"/v1/models:run", "/x", "/x", NONE, "/v1/models:run"},
		{"https://{host}{path}", "/*all", "/a b", VALUES("a b"), "https://a.example/a%20b"},
		{"https://{host}:8443{path}", "/*all", "/", VALUES(""), "https://a.example:8443/"},
		{"{scheme}://b.example/x{path}", "/*all", "/y", VALUES("y"),
		 "http://b.example/x/y"},
		{"http://b.example", "/", "/", NONE, "http://b.example"},
		{"https://b.example:8443/%20", "/", "/", NONE, "https://b.example:8443/%20"},
	};
	struct arena arena = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_str(expand(&arena, TEMPLATE_LOCATION, rows[i].to, rows[i].route,
				  rows[i].path, rows[i].values),
			   rows[i].location);
	arena_deinit(&arena);
}

static void what_a_request_brings_stays_what_it_is(void **state)
{
	static const struct {
		const char *value;
		const char *param;
		const char *rest;
	} rows[] = {
		{"a b", "a%20b", "a%20b"},
		{"a%2Fb%25", "a%2Fb%25", "a%2Fb%25"},
		{"a/b", "a%2Fb", "a/b"},
		{"?x#y", "%3Fx%23y", "%3Fx%23y"},
		{"\r\nSet-Cookie: a", "%0D%0ASet-Cookie:%20a", "%0D%0ASet-Cookie:%20a"},
		{"\xc3\xa4", "%C3%A4", "%C3%A4"},
		{"\\evil\"<>{}|^`", "%5Cevil%22%3C%3E%7B%7D%7C%5E%60",
		 "%5Cevil%22%3C%3E%7B%7D%7C%5E%60"},
		{"-._~!$&'()*+,;=:@", "-._~!$&'()*+,;=:@", "-._~!$&'()*+,;=:@"},
	};
	struct arena arena = {0};
	char location[80];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		snprintf(location, sizeof(location), "/n/%s", rows[i].param);
		assert_str(expand(&arena, TEMPLATE_LOCATION, "/n/:v", "/:v", "/",
				  VALUES(rows[i].value)),
			   location);
		snprintf(location, sizeof(location), "/n/%s", rows[i].rest);
		assert_str(expand(&arena, TEMPLATE_LOCATION, "/n/*v", "/*v", "/",
				  VALUES(rows[i].value)),
			   location);
	}
	arena_deinit(&arena);
}

/* "//evil.example" is another host to a browser, and so is "/\evil.example". */
static void no_request_leads_to_another_host(void **state)
{
	static const char *const rests[] = {"/evil.example", "//evil.example", "///evil.example/",
					    "\\evil.example"};
	struct arena arena = {0};

	for (size_t i = 0; i < COUNT_OF(rests); i++) {
		struct str here =
			expand(&arena, TEMPLATE_LOCATION, "/*v", "/o/*v", "/", VALUES(rests[i]));
		struct str there = expand(&arena, TEMPLATE_LOCATION, "https://b.example/*v",
					  "/o/*v", "/", VALUES(rests[i]));

		assert_true(here.len > 1 && here.data[0] == '/');
		assert_true(here.data[1] != '/' && here.data[1] != '\\');
		assert_true(str_starts_with(there, STR_LITERAL("https://b.example/")));
	}
	arena_deinit(&arena);
}

static void a_path_for_a_plugin_keeps_the_form_of_paths(void **state)
{
	const struct {
		const char *rewrite;
		const char *const *values;
		const char *path;
	} rows[] = {
		{"/internal", VALUES("7", "x"), "/internal"},
		{"/", VALUES("7", "x"), "/"},
		{"/i/:id/", VALUES("a b%2Fc", "x"), "/i/a b%2Fc/"},
		{"/i/*rest", VALUES("7", "a/%25/\xc3\xa4"), "/i/a/%25/\xc3\xa4"},
		{"/größe/:id", VALUES("7", ""), "/größe/7"},
		{"/*rest", VALUES("7", ""), "/"},
	};
	struct arena arena = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_str(expand(&arena, TEMPLATE_PATH, rows[i].rewrite, "/u/:id<slug>/*rest", "/",
				  rows[i].values),
			   rows[i].path);
	arena_deinit(&arena);
}

static void what_cannot_be_meant_is_refused_with_the_reason(void **state)
{
	static const struct {
		enum template_use use;
		const char *text;
		const char *why;
	} rows[] = {
		{TEMPLATE_LOCATION, "", "begins neither"},
		{TEMPLATE_LOCATION, "new", "begins neither"},
		{TEMPLATE_LOCATION, "ftp://a.example/", "begins neither"},
		{TEMPLATE_LOCATION, "javascript:alert(1)", "begins neither"},
		{TEMPLATE_LOCATION, "{path}", "{path} where it can't be"},
		{TEMPLATE_LOCATION, "{shceme}://{host}/", "none of {scheme}, {host} and {path}"},
		{TEMPLATE_LOCATION, "https://{hsot}{path}", "none of {scheme}, {host} and {path}"},
		{TEMPLATE_LOCATION, "https://{host}{paht}", "none of {scheme}, {host} and {path}"},
		{TEMPLATE_LOCATION, "https://{scheme}/", "{scheme} where it can't be"},
		{TEMPLATE_LOCATION, "https:///x", "no name of a host"},
		{TEMPLATE_LOCATION, "https://u@a.example/", "no name of a host"},
		{TEMPLATE_LOCATION, "https://:id/", "no name of a host"},
		{TEMPLATE_LOCATION, "https://{host}.evil/", "more than a port"},
		{TEMPLATE_LOCATION, "https://{host}:x/", "more than a port"},
		{TEMPLATE_LOCATION, "https://x{host}/", "{host} where it can't be"},
		{TEMPLATE_LOCATION, "{scheme}:/x", "{scheme} where it can't be"},
		{TEMPLATE_LOCATION, "/n/:none", "has not"},
		{TEMPLATE_LOCATION, "/n/*id", "has not"},
		{TEMPLATE_LOCATION, "/n/:rest", "has not"},
		{TEMPLATE_LOCATION, "/n/{id}", "is written :name or *name"},
		{TEMPLATE_LOCATION, "/{path}", "{path} where it can't be"},
		{TEMPLATE_LOCATION, "/n?p={path}", "{path} where it can't be"},
		{TEMPLATE_LOCATION, "/n/{host}", "{host} where it can't be"},
		{TEMPLATE_LOCATION, "/a b", "must be escaped"},
		{TEMPLATE_LOCATION, "/\xc3\xa4", "must be escaped"},
		{TEMPLATE_LOCATION, "/a#b", "must be escaped"},
		{TEMPLATE_LOCATION, "/a\r\nb", "must be escaped"},
		{TEMPLATE_LOCATION, "/100%", "must be escaped"},
		{TEMPLATE_LOCATION, "/\\a", "must be escaped"},
		{TEMPLATE_PATH, "i", "does not start"},
		{TEMPLATE_PATH, "//i", "empty segment"},
		{TEMPLATE_PATH, "/i/..", "\"..\" segment"},
		{TEMPLATE_PATH, "/:none", "has not"},
		{TEMPLATE_PATH, "/:id<int>", "has a type"},
		{TEMPLATE_PATH, "/i?x=1", "no query"},
		{TEMPLATE_PATH, "/i/{id}", "in braces"},
		{TEMPLATE_PATH, "/*rest/x", "goes on after"},
	};
	struct arena arena = {0};
	struct pattern pattern;
	struct template template;

	assert_null(pattern_fault(&pattern, "/:id/*rest"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *fault =
			template_parse(&template, &arena, rows[i].use, rows[i].text, &pattern);

		if (!fault || !strstr(fault, rows[i].why))
			fail_msg("%s: %s", rows[i].text, fault ? fault : "nothing");
	}
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_location_is_the_text_with_what_was_captured),
		cmocka_unit_test(what_a_request_brings_stays_what_it_is),
		cmocka_unit_test(no_request_leads_to_another_host),
		cmocka_unit_test(a_path_for_a_plugin_keeps_the_form_of_paths),
		cmocka_unit_test(what_cannot_be_meant_is_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
