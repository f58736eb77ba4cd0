/* Who the host is to be: names and numbers, who may become whom, and what is no answer. */
#include <stdlib.h>
#include <string.h>

#include "observe/errors.h"
#include "tests/support/unit.h"
#include "trust/identity.h"

#define ME    1000
#define MINE  1001
#define ROOT  0
#define FAILS ERR_PROCESS_USER

/* Debian gives these to everybody: root 0, daemon 1 in group 1, nobody 65534; games is group 60. */
static const struct {
	const char *what;
	const char *user;
	const char *group;
	uid_t from; /* who we are; the group is MINE, or root's */
	int code;   /* 0: it is granted */
	uid_t uid;
	gid_t gid;
	bool is_other;
	const char *says;
} rows[] = {
	{"nobody asked", NULL, NULL, ROOT, 0, 0, 0, false, NULL},
	{"nobody asked, and we are not root", NULL, NULL, ME, 0, ME, MINE, false, NULL},
	{"a name", "daemon", NULL, ROOT, 0, 1, 1, true, NULL},
	{"a number that has a name", "1", NULL, ROOT, 0, 1, 1, true, NULL},
	{"a group of another name", "daemon", "games", ROOT, 0, 1, 60, true, NULL},
	{"a group that is a number", "daemon", "4711", ROOT, 0, 1, 4711, true, NULL},
	{"numbers that nobody has", "4242", "4343", ROOT, 0, 4242, 4343, true, NULL},
	{"who we are", "1000", "1001", ME, 0, ME, MINE, false, NULL},
	{"root is root", "root", NULL, ROOT, 0, 0, 0, false, NULL},
	{"no such user", "plugd-nobody", NULL, ROOT, FAILS, 0, 0, false, "no user 'plugd-nobody'"},
	{"no such group", "daemon", "plugd-none", ROOT, FAILS, 0, 0, false,
	 "no group 'plugd-none'"},
	{"a number without a group", "4242", NULL, ROOT, FAILS, 0, 0, false, "set process.group"},
	{"no name at all", "12a", NULL, ROOT, FAILS, 0, 0, false, "no user '12a'"},
	{"beyond all numbers", "4294967295", NULL, ROOT, FAILS, 0, 0, false, "no user"},
	{"another, when we are not root", "daemon", NULL, ME, FAILS, 0, 0, false, "only root can"},
	{"another group only", "1000", "1002", ME, FAILS, 0, 0, false, "only root can"},
	{"root, when we are not", "root", NULL, ME, FAILS, 0, 0, false, "only root can"},
	{"root's group", "daemon", "root", ROOT, FAILS, 0, 0, false, "rights of root"},
	{"root with another group", "root", "daemon", ROOT, FAILS, 0, 0, false, "rights of root"},
};

static void each_wish_is_granted_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privilege_opts opts = {.user = (char *)rows[i].user,
					      .group = (char *)rows[i].group};
		gid_t mine = rows[i].from == ROOT ? ROOT : MINE;
		struct identity got;
		struct err err = {0};
		int r = identity_choose(&opts, rows[i].from, mine, &got, &err);

		if (err.code != rows[i].code || (r < 0) != (rows[i].code != 0))
			fail_msg("%s: %d %s", rows[i].what, err.code, err.text);
		if (r < 0 && !strstr(err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].what, err.text);
		if (r == 0 && (got.uid != rows[i].uid || got.gid != rows[i].gid ||
			       got.is_other != rows[i].is_other))
			fail_msg("%s: %u %u %d", rows[i].what, got.uid, got.gid, got.is_other);
	}
}

static bool has_group(const struct identity *identity, gid_t gid)
{
	for (size_t i = 0; i < identity->group_count; i++) {
		if (identity->groups[i] == gid)
			return true;
	}
	return false;
}

static void a_name_brings_its_groups_and_a_number_none(void **state)
{
	struct privilege_opts named = {.user = (char[]){"daemon"}, .group = (char[]){"games"}};
	struct privilege_opts number = {.user = (char[]){"4242"}, .group = (char[]){"4343"}};
	struct identity got;
	struct err err;

	assert_int_equal(identity_choose(&named, 0, 0, &got, &err), 0);
	assert_true(has_group(&got, 60));
	assert_false(has_group(&got, 0));
	assert_int_equal(identity_choose(&number, 0, 0, &got, &err), 0);
	assert_int_equal(got.group_count, 0);
}

static void a_umask_is_octal(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
		mode_t mask;
	} masks[] = {{"0077", true, 077},  {"27", true, 027},	{"0", true, 0},
		     {"0777", true, 0777}, {"1777", false, 0},	{"0078", false, 0},
		     {"", false, 0},	   {"00077", false, 0}, {"u=rwx", false, 0}};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t mask = 0;

		assert_int_equal(umask_parse(str_from(masks[i].text), &mask), masks[i].is_one);
		if (masks[i].is_one)
			assert_int_equal(mask, masks[i].mask);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wish_is_granted_or_refused),
		cmocka_unit_test(a_name_brings_its_groups_and_a_number_none),
		cmocka_unit_test(a_umask_is_octal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
