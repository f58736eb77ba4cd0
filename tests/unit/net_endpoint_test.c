/* What is spoken at an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/endpoint.h"
#include "observe/errors.h"

static void a_scheme_says_what_is_spoken(void **state)
{
	static const struct {
		const char *text;
		bool is_tls;
		const char *where;
	} rows[] = {
		{":8080", false, ":8080"},	    {"http://127.0.0.1:80", false, "127.0.0.1:80"},
		{"https://:8443", true, ":8443"},   {"https://[::1]:8443", true, "[::1]:8443"},
		{"proxy+http://:80", false, ":80"}, {"proxy+https://:8443", true, ":8443"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint endpoint;

		assert_int_equal(endpoint_parse(str_from(rows[i].text), &endpoint, NULL), 0);
		assert_int_equal(endpoint.is_tls, rows[i].is_tls);
		assert_true(str_eq(endpoint.where, str_from(rows[i].where)));
		assert_true(addr_port(&endpoint.addr) > 0);
	}
}

static void an_address_may_be_a_file_or_inherited(void **state)
{
	static const struct {
		const char *text;
		enum endpoint_kind kind;
		bool is_tls;
		bool is_proxied;
		const char *where;
		const char *name;
	} rows[] = {
		{"unix:/run/plugd/http.sock", ENDPOINT_UNIX, false, false,
		 "unix:/run/plugd/http.sock", "/run/plugd/http.sock"},
		{"https://unix:/a", ENDPOINT_UNIX, true, false, "unix:/a", "/a"},
		{"proxy+http://unix:/a:b", ENDPOINT_UNIX, false, true, "unix:/a:b", "/a:b"},
		{"fd:web", ENDPOINT_INHERITED, false, false, "fd:web", "web"},
		{"https://fd:3", ENDPOINT_INHERITED, true, false, "fd:3", "3"},
		{"fd:plugd.socket", ENDPOINT_INHERITED, false, false, "fd:plugd.socket",
		 "plugd.socket"},
		{"proxy+https://fd:web", ENDPOINT_INHERITED, true, true, "fd:web", "web"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint endpoint;

		assert_int_equal(endpoint_parse(str_from(rows[i].text), &endpoint, NULL), 0);
		assert_int_equal(endpoint.kind, rows[i].kind);
		assert_int_equal(endpoint.is_tls, rows[i].is_tls);
		assert_int_equal(endpoint.is_proxied, rows[i].is_proxied);
		assert_true(str_eq(endpoint.where, str_from(rows[i].where)));
		assert_true(str_eq(endpoint.name, str_from(rows[i].name)));
	}
}

static void the_path_of_a_socket_has_a_limit(void **state)
{
	char text[5 + 108 + 1] = "unix:/";
	struct endpoint endpoint;

	memset(text + 6, 'x', 106);
	assert_int_equal(endpoint_parse(str_from(text), &endpoint, NULL), 0);
	text[5 + 107] = 'x';
	assert_int_not_equal(endpoint_parse(str_from(text), &endpoint, NULL), 0);
}

static void other_schemes_and_no_addresses_are_refused(void **state)
{
	static const char *const texts[] = {"ftp://:21",
					    "HTTPS://:8443",
					    "https:/:8443",
					    "https://",
					    "https://https://:1",
					    "https://:8443/",
					    "https://a:1",
					    "://:80",
					    "proxy://:80",
					    "proxy+:80",
					    "proxy+https:/:80",
					    "https://proxy+http://:80",
					    "unix:",
					    "unix:/",
					    "unix:a.sock",
					    "unix://a/",
					    "unix:/a/",
					    "unix",
					    "fd:",
					    "fd:a b",
					    "fd:a:b",
					    "fd:\x7f"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct endpoint endpoint;
		struct err err = {0};

		if (endpoint_parse(str_from(texts[i]), &endpoint, &err) == 0)
			fail_msg("%s is accepted", texts[i]);
		assert_int_equal(err.code, ERR_LISTEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scheme_says_what_is_spoken),
		cmocka_unit_test(an_address_may_be_a_file_or_inherited),
		cmocka_unit_test(the_path_of_a_socket_has_a_limit),
		cmocka_unit_test(other_schemes_and_no_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
