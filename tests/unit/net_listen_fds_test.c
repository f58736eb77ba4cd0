/* What the environment says of inherited sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/listen_fds.h"

#define SELF 4711

static void they_are_counted_when_they_are_ours(void **state)
{
	static const struct {
		struct listen_fds_texts texts;
		unsigned count;
		bool is_another;
	} rows[] = {
		{{NULL, NULL, NULL}, 0, false},	       {{"4711", NULL, NULL}, 0, false},
		{{NULL, "2", "a:b"}, 0, false},	       {{"4711", "0", NULL}, 0, false},
		{{"4711", "0", ""}, 0, false},	       {{"4711", "2", NULL}, 2, false},
		{{"4711", "2", "a:b"}, 2, false},      {{"4711", "2", ":"}, 2, false},
		{{"4711", "1024", NULL}, 1024, false}, {{"4712", "2", "a:b"}, 0, true},
		{{"4712", "nonsense", "a"}, 0, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listen_fds fds;

		assert_null(listen_fds_read(&rows[i].texts, SELF, &fds));
		assert_int_equal(fds.count, rows[i].count);
		assert_int_equal(fds.is_another, rows[i].is_another);
	}
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct listen_fds_texts rows[] = {
		{"", "1", NULL},
		{"0", "1", NULL},
		{"47 11", "1", NULL},
		{"4711x", "1", NULL},
		{"4711", "", NULL},
		{"4711", "-1", NULL},
		{"4711", "1025", NULL},
		{"4711", "2", "a"},
		{"4711", "2", "a:b:c"},
		{"4711", "2147483648", ""},
		{"99999999999", "1", NULL},
		{"4711", "1", "a:"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listen_fds fds;

		if (!listen_fds_read(&rows[i], SELF, &fds))
			fail_msg("row %zu is accepted", i);
		assert_int_equal(fds.count, 0);
	}
}

static void each_has_its_name(void **state)
{
	struct listen_fds fds;

	assert_null(listen_fds_read(&(struct listen_fds_texts){"4711", "3", "web::plugd.socket"},
				    SELF, &fds));
	assert_true(str_eq(listen_fds_name(&fds, 0), STR_LITERAL("web")));
	assert_true(str_eq(listen_fds_name(&fds, 1), STR_LITERAL("")));
	assert_true(str_eq(listen_fds_name(&fds, 2), STR_LITERAL("plugd.socket")));
	assert_null(listen_fds_read(&(struct listen_fds_texts){"4711", "2", NULL}, SELF, &fds));
	assert_true(str_eq(listen_fds_name(&fds, 1), STR_LITERAL("unknown")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_counted_when_they_are_ours),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(each_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
