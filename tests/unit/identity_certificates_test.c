/* Whom certificates mean: a rule says exactly whom, and its star stands only where it can't be
 * taken for part of somebody else's name. */
#include "identity/certificates.h"
#include "tests/support/unit.h"

static void a_rule_is_the_text_or_what_stands_before_its_star(void **state)
{
	static const struct {
		const char *rule, *text;
		bool matches;
	} rows[] = {
		{"CN=batch", "CN=batch", true},
		{"CN=batch", "CN=batch,O=Example", false},
		{"CN=batch", "CN=batch2", false},
		{"CN=batch", "cn=batch", false},
		{"CN=batch,*", "CN=batch,O=Example", true},
		{"CN=batch,*", "CN=batch", false},
		{"CN=batch,*", "CN=batch\\,O=Example", false},
		{"CN=batch,*", "CN=batch+OU=x,O=Example", false},
		{"uri:spiffe://a/b/*", "uri:spiffe://a/b/c", true},
		{"uri:spiffe://a/b/*", "uri:spiffe://a/bc", false},
		{"", "", true},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (certificate_matches(str_from(rows[i].rule), str_from(rows[i].text)) !=
		    rows[i].matches)
			fail_msg("%s, %s", rows[i].rule, rows[i].text);
	}
}

static void a_star_stands_at_the_end_of_a_part_only(void **state)
{
	static const char *const good[] = {"CN=batch", "CN=batch,*", "CN=b,O=x,*"};
	static const char *const bad[] = {"*",	 "CN=*",       "CN=batch*", "CN=*,O=x",
					  ",*x", "CN=b,*,O=x", "CN=b\\,*"};
	static const char *const good_names[] = {"dns:a.example", "uri:spiffe://a/*"};
	static const char *const bad_names[] = {"a.example", "dns:*", "dns:*.example",
						"uri:spiffe://a*"};

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_null(certificate_check_subject(str_from(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_non_null(certificate_check_subject(str_from(bad[i])));
	for (size_t i = 0; i < COUNT_OF(good_names); i++)
		assert_null(certificate_check_name(str_from(good_names[i])));
	for (size_t i = 0; i < COUNT_OF(bad_names); i++)
		assert_non_null(certificate_check_name(str_from(bad_names[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_the_text_or_what_stands_before_its_star),
		cmocka_unit_test(a_star_stands_at_the_end_of_a_part_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
