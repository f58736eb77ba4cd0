/* The decisions about pages of other origins, in tables. */
#include "edge/cors.h"
#include "tests/support/unit.h"

#define LIST(...) ((char *[]){__VA_ARGS__, NULL})

static char a_example[] = "https://a.example", b_example[] = "http://b.example:8080", star[] = "*";
static char get[] = "GET", put[] = "PUT", x_key[] = "X-Key", x_other[] = "x-other";

static void an_origin_is_written_as_browsers_do(void **state)
{
	static const struct {
		const char *text;
		const char *wrong; /* part of the reason; NULL: it is one */
	} rows[] = {
		{"*", NULL},
		{"https://a.example", NULL},
		{"http://localhost:3000", NULL},
		{"https://[::1]:8443", NULL},
		{"app://local", NULL},
		{"null", "would let any page in"},
		{"", "no origin"},
		{"a.example", "no origin"},
		{"https://", "no origin"},
		{"https://a.example/", "no origin"},
		{"https://A.example", "no origin"},
		{"HTTPS://a.example", "no origin"},
		{"https://a.example/path", "no origin"},
		{"https:/a.example", "no origin"},
		{"https://a b", "no origin"},
		{"https://a.example:443", "port"},
		{"http://a.example:80", "port"},
		{"http://a.example:443", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *wrong = cors_check_origin(str_from(rows[i].text));

		if ((wrong == NULL) != (rows[i].wrong == NULL) ||
		    (wrong && !strstr(wrong, rows[i].wrong)))
			fail_msg("'%s': %s", rows[i].text, wrong ? wrong : "taken");
	}
}

static void an_origin_is_allowed_as_a_whole(void **state)
{
	struct cors_opts some = {.origins = LIST(a_example, b_example)};
	struct cors_opts all = {.origins = LIST(star)};
	struct cors_opts none = {.origins = (char *[]){NULL}};

	assert_true(cors_allows_origin(&some, str_from(a_example)));
	assert_true(cors_allows_origin(&some, str_from(b_example)));
	assert_false(cors_allows_origin(&some, STR_LITERAL("https://a.example.evil.example")));
	assert_false(cors_allows_origin(&some, STR_LITERAL("https://evil-a.example")));
	assert_false(cors_allows_origin(&some, STR_LITERAL("http://a.example")));
	assert_false(cors_allows_origin(&some, STR_LITERAL("null")));
	assert_false(cors_is_open(&some));
	assert_true(cors_allows_origin(&all, STR_LITERAL("https://any.example")));
	assert_true(cors_is_open(&all));
	assert_false(cors_allows_origin(&none, str_from(a_example)));
}

static void no_origin_is_let_in_by_a_star_with_credentials(void **state)
{
	struct cors_opts opts = {.origins = LIST(star), .credentials = true};

	assert_false(cors_is_open(&opts));
	assert_false(cors_allows_origin(&opts, str_from(a_example)));
}

static void methods_and_headers_are_those_listed(void **state)
{
	struct cors_opts plain = {.origins = LIST(star)};
	struct cors_opts listed = {.origins = LIST(star),
				   .methods = LIST(get, put),
				   .headers = LIST(x_key, x_other),
				   .expose = LIST(x_other, x_key)};
	struct cors_opts any = {.origins = LIST(star), .headers = LIST(star)};
	struct arena arena = {0};

	assert_true(cors_allows_method(&plain, STR_LITERAL("POST")));
	assert_false(cors_allows_method(&plain, STR_LITERAL("PUT")));
	assert_true(cors_allows_method(&listed, STR_LITERAL("PUT")));
	assert_false(cors_allows_method(&listed, STR_LITERAL("POST")));
	assert_false(cors_allows_method(&listed, STR_LITERAL("put")));

	assert_true(cors_allows_headers(&plain, STR_LITERAL("")));
	assert_true(cors_allows_headers(&plain, STR_LITERAL("content-type")));
	assert_false(cors_allows_headers(&plain, STR_LITERAL("content-type, x-key")));
	assert_true(cors_allows_headers(&listed, STR_LITERAL("x-key,x-OTHER , content-type")));
	assert_false(cors_allows_headers(&listed, STR_LITERAL("x-key,x-third")));
	assert_true(cors_allows_headers(&any, STR_LITERAL("x-third")));
	assert_false(cors_allows_headers(&any, STR_LITERAL("x third")));
	assert_false(cors_allows_headers(&any, STR_LITERAL("x-third,,")));

	assert_str(cors_methods(&plain, &arena), "GET, HEAD, POST");
	assert_str(cors_methods(&listed, &arena), "GET, PUT");
	assert_str(cors_exposed(&plain, &arena), "");
	assert_str(cors_exposed(&listed, &arena), "x-other, X-Key");
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_origin_is_written_as_browsers_do),
		cmocka_unit_test(an_origin_is_allowed_as_a_whole),
		cmocka_unit_test(no_origin_is_let_in_by_a_star_with_credentials),
		cmocka_unit_test(methods_and_headers_are_those_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
