/* Whom proxies ask for: what is believed of X-Forwarded-* and of Forwarded, and what is refused. */
#include <stdio.h>

#include "edge/forwarded.h"
#include "tests/support/unit.h"

#define PEER "10.0.0.1" /* a trusted proxy */

static struct cidr_list trusted;

struct row {
	const char *fields; /* "name: value\n" for each */
	const char *client; /* NULL: refused */
	const char *scheme;
	const char *host;
};

/* Takes the lines apart in place. */
static size_t split(const char *lines, struct http_field *fields)
{
	size_t count = 0;

	while (*lines) {
		size_t name = strcspn(lines, ":"), end = strcspn(lines, "\n");

		fields[count++] =
			(struct http_field){{lines, name}, {lines + name + 2, end - name - 2}};
		lines += end + 1;
	}
	return count;
}

static void check(enum forwarded_by by, const struct row *row)
{
	struct http_field fields[8];
	struct forwarded got;
	struct ip peer;
	char client[IP_TEXT];
	const char *wrong;

	assert_true(ip_parse(STR_LITERAL(PEER), &peer));
	wrong = forwarded_read(by, fields, split(row->fields, fields), &peer, &trusted, &got);
	if ((wrong == NULL) != (row->client != NULL))
		fail_msg("%s: %s", row->fields, wrong ? wrong : "taken");
	if (wrong)
		return;
	ip_format_peer(&got.client, got.port, client);
	if (strcmp(client, row->client) != 0)
		fail_msg("%s: %s", row->fields, client);
	assert_str(got.scheme, row->scheme ? row->scheme : "");
	assert_str(got.host, row->host ? row->host : "");
}

static void the_first_address_from_the_right_that_is_not_trusted_is_the_client(void **state)
{
	static const struct row rows[] = {
		{"", PEER ":0"},
		{"x-forwarded-for: 192.0.2.7\n", "192.0.2.7:0"},
		{"x-forwarded-for: 192.0.2.7:4711\n", "192.0.2.7:4711"},
		{"x-forwarded-for: [2001:db8::7]:4711\n", "[2001:db8::7]:4711"},
		{"x-forwarded-for: 2001:db8::7\n", "[2001:db8::7]:0"},
		{"x-forwarded-for: 1.1.1.1, 192.0.2.7\n", "192.0.2.7:0"},
		{"x-forwarded-for: 1.1.1.1, 192.0.2.7, 10.0.0.2\n", "192.0.2.7:0"},
		{"x-forwarded-for: 1.1.1.1\nx-forwarded-for: 192.0.2.7,10.9.9.9\n", "192.0.2.7:0"},
		{"x-forwarded-for: 10.0.0.3, 10.0.0.2\n", "10.0.0.3:0"},
		{"x-forwarded-for: what ever, 192.0.2.7\n", "192.0.2.7:0"},
		{"x-forwarded-for: 192.0.2.7 , ,\n", "192.0.2.7:0"},
		{"x-forwarded-for: unknown, 10.0.0.2\n", "unknown"},
		{"x-forwarded-for: _hidden\n", "unknown"},
		{"x-forwarded-for: what ever\n", NULL},
		{"x-forwarded-for: 1.1.1.1 10.0.0.2\n", NULL},
		{"x-forwarded-for: evil, 10.0.0.2\n", NULL},
		{"x-forwarded-for: unix\n", NULL},
		{"forwarded: for=192.0.2.7\n", PEER ":0"}, /* the client's own */
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(FORWARDED_BY_X, &rows[i]);
}

static void the_nearest_proxy_says_scheme_and_host(void **state)
{
	static const struct row rows[] = {
		{"x-forwarded-for: 192.0.2.7\nx-forwarded-proto: https\nx-forwarded-host: "
		 "a.example\n",
		 "192.0.2.7:0", "https", "a.example"},
		{"x-forwarded-proto: http, https\n", PEER ":0", "https"},
		{"x-forwarded-proto: http\nx-forwarded-proto: HTTPS\n", PEER ":0", "HTTPS"},
		{"x-forwarded-proto: gopher\n", NULL},
		{"x-forwarded-host: a.example:8443\n", PEER ":0", NULL, "a.example:8443"},
		{"x-forwarded-host: a b\n", NULL},
		{"x-forwarded-host: a.example/\n", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(FORWARDED_BY_X, &rows[i]);
}

static void an_element_says_all_that_its_proxy_knows(void **state)
{
	static const struct row rows[] = {
		{"forwarded: for=192.0.2.7\n", "192.0.2.7:0"},
		{"forwarded: For=\"192.0.2.7:80\";Proto=https;by=10.0.0.1\n", "192.0.2.7:80",
		 "https"},
		{"forwarded: for=\"[2001:db8::7]:4711\";host=\"a.example:1\"\n",
		 "[2001:db8::7]:4711", NULL, "a.example:1"},
		{"forwarded: for=1.1.1.1;proto=http, for=192.0.2.7;proto=https, "
		 "for=10.0.0.2;proto=http\n",
		 "192.0.2.7:0", "https"},
		{"forwarded: for=1.1.1.1\nforwarded: for=192.0.2.7\n", "192.0.2.7:0"},
		{"forwarded: for=192.0.2.7;secret=\"a\\\"b, for=9.9.9.9\"\n", "192.0.2.7:0"},
		{"forwarded: ;for=192.0.2.7;\n", "192.0.2.7:0"},
		{"forwarded: , for=192.0.2.7 ,\n", "192.0.2.7:0"},
		{"forwarded: for=unknown\n", "unknown"},
		{"forwarded: proto=https\n", "unknown", "https"},
		{"forwarded: for=_a.b-c\n", "unknown"},
		{"x-forwarded-for: 192.0.2.7\nx-forwarded-proto: https\n", PEER ":0"},
		{"forwarded: for=192.0.2.7;for=9.9.9.9\n", NULL},
		{"forwarded: for=192.0.2.7;FOR=9.9.9.9\n", NULL},
		{"forwarded: for=192.0.2.7:80\n", NULL}, /* must be quoted */
		{"forwarded: for=[2001:db8::7]\n", NULL},
		{"forwarded: for=\"2001:db8::7\n", NULL}, /* no second quote */
		{"forwarded: for=\"192.0.2.7\\\"\n", NULL},
		{"forwarded: for=\"192\\.0.2.7\"\n", NULL},
		{"forwarded: for\n", NULL},
		{"forwarded: for=\n", NULL},
		{"forwarded: for=\"\"\n", NULL},
		{"forwarded: for = 192.0.2.7\n", NULL},
		{"forwarded: for=192.0.2.7; proto=http\n", NULL},
		{"forwarded: for=192.0.2.7 for=9.9.9.9\n", NULL},
		{"forwarded: for=192.0.2.7;proto=gopher\n", NULL},
		{"forwarded: for=192.0.2.7;host=\"a b\"\n", NULL},
		{"forwarded: for=\"unfinished, for=192.0.2.7\n", NULL},
		{"forwarded: for=unix\n", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(FORWARDED_BY_STANDARD, &rows[i]);
}

/* "name: item, item, …" with so many. */
static void repeat(char *out, const char *name, const char *item, unsigned count)
{
	out += sprintf(out, "%s: ", name);
	for (unsigned i = 0; i < count; i++)
		out += sprintf(out, "%s%s", i ? ", " : "", item);
	strcpy(out, "\n");
}

static void not_more_hops_are_followed_than_any_site_has(void **state)
{
	static const struct {
		enum forwarded_by by;
		const char *name, *item, *stop;
	} rows[] = {{FORWARDED_BY_X, "x-forwarded-for", "10.0.0.2", "1.1.1.1"},
		    {FORWARDED_BY_STANDARD, "forwarded", "for=10.0.0.2", "for=1.1.1.1"}};
	char text[4000];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		repeat(text, rows[i].name, rows[i].item, FORWARDED_MAX_HOPS);
		check(rows[i].by, &(struct row){text, "10.0.0.2:0"});
		repeat(text, rows[i].name, rows[i].item, FORWARDED_MAX_HOPS + 1);
		check(rows[i].by, &(struct row){text, NULL});
		repeat(text, rows[i].name, rows[i].stop,
		       200); /* a client's list costs it nothing */
		check(rows[i].by, &(struct row){text, "1.1.1.1:0"});
	}
}

static void what_claims_to_say_who_asks_is_known_by_its_name(void **state)
{
	static const char *const claims[] = {
		"forwarded",	      "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
		"x-forwarded-port",   "x-forwarded",	 "x-real-ip",	      "x_forwarded_for",
		"x-forwarded_for",    "true-client-ip",	 "client-ip",	      "cf-connecting-ip",
		"x-forwarded-prefix", "x-client-ip",	 "forwarded-for",     "x_real_ip",
		"X-Forwarded-For",    "X_REAL_IP",	 "CF-Connecting-IP"};
	static const char *const others[] = {
		"x-forward-for", "forward", "x-real", "x-request-id", "client", "",
		"from",		 "via",	    "cookie", "content-type"};

	for (size_t i = 0; i < COUNT_OF(claims); i++) {
		if (!forwarded_is_claim(str_from(claims[i])))
			fail_msg("%s", claims[i]);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (forwarded_is_claim(str_from(others[i])))
			fail_msg("%s", others[i]);
	}
}

int main(void)
{
	char network[] = "10.0.0.0/8";
	char *networks[] = {network, NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_first_address_from_the_right_that_is_not_trusted_is_the_client),
		cmocka_unit_test(the_nearest_proxy_says_scheme_and_host),
		cmocka_unit_test(an_element_says_all_that_its_proxy_knows),
		cmocka_unit_test(not_more_hops_are_followed_than_any_site_has),
		cmocka_unit_test(what_claims_to_say_who_asks_is_known_by_its_name),
	};
	int failed;

	cidr_list_init(&trusted, networks);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	cidr_list_deinit(&trusted);
	return failed;
}
