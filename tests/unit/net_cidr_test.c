/* Clients' addresses and operators' networks: what is one, what is not, and who is in which. */
#include "net/cidr.h"
#include "tests/support/unit.h"

static void a_node_is_an_address_with_or_without_a_port(void **state)
{
	static const struct {
		const char *text;
		const char *peer; /* NULL: it is none */
	} rows[] = {
		{"192.0.2.7", "192.0.2.7:0"},
		{"192.0.2.7:52311", "192.0.2.7:52311"},
		{"2001:db8::7", "[2001:db8::7]:0"},
		{"[2001:DB8::7]", "[2001:db8::7]:0"},
		{"[2001:db8::7]:443", "[2001:db8::7]:443"},
		{"::ffff:192.0.2.7", "192.0.2.7:0"},
		{"[::ffff:192.0.2.7]:1", "192.0.2.7:1"},
		{"unix", "unix"},
		{"", NULL},
		{"unknown", NULL},
		{"192.0.2", NULL},
		{"192.0.2.07", NULL},
		{"192.0.2.7:", NULL},
		{"192.0.2.7:65536", NULL},
		{"192.0.2.7:+1", NULL},
		{"192.0.2.7 ", NULL},
		{"[192.0.2.7]", NULL},
		{"[2001:db8::7]443", NULL},
		{"[2001:db8::7]:", NULL},
		{"[2001:db8::7", NULL},
		{"[]", NULL},
		{"fe80::1%eth0", NULL},
		{"localhost:80", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ip ip;
		unsigned port;
		char peer[IP_TEXT];
		bool ok = ip_parse_node(str_from(rows[i].text), &ip, &port);

		if (ok != (rows[i].peer != NULL))
			fail_msg("'%s'", rows[i].text);
		if (!ok)
			continue;
		ip_format_peer(&ip, port, peer);
		assert_string_equal(peer, rows[i].peer);
	}
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(str_from(text), &ip) || strcmp(text, "unix") == 0);
	if (strcmp(text, "unix") == 0)
		ip.kind = IP_UNIX;
	return ip;
}

static void a_network_has_those_with_its_prefix(void **state)
{
	static const struct {
		const char *network;
		const char *address;
		bool is_in;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"::ffff:10.0.0.0/104", "10.1.1.1", true},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"192.0.2.7/32", "192.0.2.8", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "192.0.2.7", false},
		{"::ffff:0:0/96", "192.0.2.7", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"unix", "unix", true},
		{"unix", "0.0.0.0", false},
		{"::/0", "unix", false},
		{"0.0.0.0/0", "unix", false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cidr cidr;
		struct ip ip = ip_of(rows[i].address);

		assert_null(cidr_parse(str_from(rows[i].network), &cidr));
		if (cidr_has(&cidr, &ip) != rows[i].is_in)
			fail_msg("%s in %s", rows[i].address, rows[i].network);
	}
}

static void what_is_no_network_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *part; /* of the reason */
	} rows[] = {
		{"", "no network"},
		{"example.com", "no network"},
		{"10.0.0/8", "no network"},
		{"/8", "no network"},
		{"10.0.0.0:80", "no network"},
		{"10.0.0.0/", "prefix length"},
		{"10.0.0.0/33", "prefix length"},
		{"10.0.0.0/08", "prefix length"},
		{"10.0.0.0/-1", "prefix length"},
		{"10.0.0.0/8/8", "prefix length"},
		{"2001:db8::/129", "prefix length"},
		{"10.1.2.3/8", "below its prefix"},
		{"2001:db8::1/64", "below its prefix"},
		{"0.0.0.1/0", "below its prefix"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cidr cidr;
		const char *wrong = cidr_parse(str_from(rows[i].text), &cidr);

		if (!wrong || !strstr(wrong, rows[i].part))
			fail_msg("'%s': %s", rows[i].text, wrong ? wrong : "taken");
	}
}

static void nobody_is_in_a_list_who_has_no_address(void **state)
{
	char v4[] = "0.0.0.0/0", every[] = "::/0", local_text[] = "unix";
	char *texts[] = {v4, every, local_text, NULL};
	struct cidr_list list, none;
	struct ip unknown = {.kind = IP_UNKNOWN};
	struct ip local = ip_of("unix");
	struct ip v6 = ip_of("::2");

	cidr_list_init(&list, texts);
	cidr_list_init(&none, NULL);
	assert_int_equal(list.count, 3);
	assert_false(cidr_list_has(&list, &unknown));
	assert_true(cidr_list_has(&list, &local));
	assert_true(cidr_list_has(&list, &v6));
	assert_false(cidr_list_has(&none, &v6));
	cidr_list_deinit(&list);
	cidr_list_deinit(&none);
}

static void who_has_an_address_of_a_64_has_all_of_it(void **state)
{
	struct ip one = ip_of("2001:db8:1:2::1"), same = ip_of("2001:db8:1:2:ffff::9");
	struct ip other = ip_of("2001:db8:1:3::1"), v4 = ip_of("192.0.2.7");

	one = ip_client(&one);
	same = ip_client(&same);
	other = ip_client(&other);
	assert_memory_equal(&one, &same, sizeof(one));
	assert_memory_not_equal(&one, &other, sizeof(one));
	other = ip_client(&v4);
	assert_memory_equal(&v4, &other, sizeof(v4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_an_address_with_or_without_a_port),
		cmocka_unit_test(a_network_has_those_with_its_prefix),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(nobody_is_in_a_list_who_has_no_address),
		cmocka_unit_test(who_has_an_address_of_a_64_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
