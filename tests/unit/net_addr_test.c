/* Addresses as people write them. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/addr.h"
#include "observe/errors.h"

static void addresses_read_as_they_are_written(void **state)
{
	static const char *const texts[] = {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:443",
					    "[2001:db8::7]:65535"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr addr;
		char text[ADDR_TEXT];
		assert_int_equal(addr_parse(str_from(texts[i]), &addr, NULL), 0);
		assert_false(addr.is_any);
		addr_format(&addr, text);
		assert_string_equal(text, texts[i]);
	}
}

static void a_port_alone_means_every_address(void **state)
{
	struct addr addr;

	assert_int_equal(addr_parse(STR_LITERAL(":8080"), &addr, NULL), 0);
	assert_true(addr.is_any);
	assert_int_equal(addr.storage.ss_family, AF_INET6);
	assert_int_equal(addr_port(&addr), 8080);
}

static void what_is_not_an_address_is_named(void **state)
{
	static const char *const texts[] = {"",
					    "8080",
					    "127.0.0.1",
					    "127.0.0.1:",
					    "127.0.0.1:x",
					    "127.0.0.1:65536",
					    "localhost:80",
					    "::1:80",
					    "[::1]",
					    "[::1:80",
					    "[]:80",
					    "1.2.3:80",
					    "[127.0.0.1]:80",
					    "127.0.0.1:-1"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr addr;
		struct err err = {0};
		if (addr_parse(str_from(texts[i]), &addr, &err) == 0)
			fail_msg("%s is accepted", texts[i]);
		assert_int_equal(err.code, ERR_LISTEN);
		assert_non_null(strstr(err.text, "127.0.0.1:8080"));
	}
}

static void an_ipv4_client_of_an_ipv6_socket_is_written_as_ipv4(void **state)
{
	struct addr addr;
	char text[ADDR_TEXT];

	assert_int_equal(addr_parse(STR_LITERAL("[::ffff:192.0.2.7]:9"), &addr, NULL), 0);
	addr_format(&addr, text);
	assert_string_equal(text, "192.0.2.7:9");
}

static void a_unix_socket_has_no_port(void **state)
{
	struct addr addr = {.storage.ss_family = AF_UNIX};
	char text[ADDR_TEXT];

	addr_format(&addr, text);
	assert_string_equal(text, "unix");
	assert_int_equal(addr_port(&addr), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_as_they_are_written),
		cmocka_unit_test(a_port_alone_means_every_address),
		cmocka_unit_test(what_is_not_an_address_is_named),
		cmocka_unit_test(an_ipv4_client_of_an_ipv6_socket_is_written_as_ipv4),
		cmocka_unit_test(a_unix_socket_has_no_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
