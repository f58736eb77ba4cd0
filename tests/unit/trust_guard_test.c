/* Policies and constraints, row by row: which deviation runs under which policy, what is below
 * what, and whose hands may reach a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/errors.h"
#include "trust/guard.h"
#include "trust/owners.h"
#include "trust/place.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DIGITS	     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static struct whitelist *parse(const char *text)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	if (whitelist_parse(str_from(text), "w.yaml", &list, &problems) < 0)
		fail_msg("%s", problems.rows[0].err.text);
	return list;
}

/* ---- places ---- */

static void a_plain_path_names_its_file_in_one_way(void **state)
{
	static const struct {
		const char *path;
		bool is_plain;
	} rows[] = {
		{"/a", true},	  {"/a/b.c", true}, {"/...", true},  {"/a/.b", true},
		{"/a..", true},	  {"", false},	    {"/", false},    {"a", false},
		{"//a", false},	  {"/a/", false},   {"/.", false},   {"/..", false},
		{"/a/..", false}, {"/../a", false}, {"/a//", false}, {"/a/./b", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (place_is_plain(str_from(rows[i].path)) != rows[i].is_plain)
			fail_msg("'%s'", rows[i].path);
	}
}

static void below_is_a_matter_of_whole_names(void **state)
{
	char *tops[] = {(char *)"/x", (char *)"/a/b", NULL};

	assert_true(place_is_below("/a/b", "/a/b"));
	assert_true(place_is_below("/a/b/c", "/a/b"));
	assert_true(place_is_below("/a", "/"));
	assert_false(place_is_below("/a/bc", "/a/b"));
	assert_false(place_is_below("/a", "/a/b"));
	assert_string_equal(place_find_top("/a/b/c", tops), "/a/b");
	assert_null(place_find_top("/a", tops));
	assert_null(place_find_top("/a", NULL));
}

/* ---- policies ---- */

/* What guard_admit() and guard_check() make of a file, one after the other. */
static int ask(const struct guard *guard, const struct guard_question *question,
	       const struct digest *actual, struct guard_remarks *remarks, struct err *err)
{
	const struct whitelist_entry *entry;
	int r = guard_admit(guard, question, &entry, remarks, err);

	return r < 0 ? r : guard_check(guard, entry, actual, remarks, err);
}

static void each_policy_tolerates_its_deviations_and_no_other(void **state)
{
	struct whitelist *list = parse("version: 1\nplugins:\n"
				       "- {path: /in/good, hash: " DIGITS "}\n"
				       "- {path: /in/off, enabled: false, hash: " DIGITS "}\n"
				       "- {path: /in/kv, name: kv, hash: " DIGITS "}\n"
				       "- {path: /out/good, hash: " DIGITS "}\n"
				       "- {path: /in/no/good, hash: " DIGITS "}\n");
	char *allowed[] = {(char *)"/in", NULL};
	char *forbidden[] = {(char *)"/in/no", NULL};
	static const struct {
		const char *path;
		uint64_t bytes;
		bool is_changed;
		int code;     /* that strict refuses with; 0: it does not */
		bool permits; /* does permissive? */
	} rows[] = {
		{"/in/good", 10, false, 0, true},
		{"/in/good", 11, false, ERR_EXECUTABLE_SIZE, false},
		{"/in/good", 10, true, ERR_WHITELIST_MISMATCH, false},
		{"/in/off", 10, false, ERR_WHITELIST_DISABLED, false},
		{"/in/kv", 10, false, ERR_WHITELIST_PLUGIN, false},
		{"/in/none", 10, false, ERR_WHITELIST_UNLISTED, true},
		{"/in/none", 10, true, ERR_WHITELIST_UNLISTED, true},
		{"/in/none", 11, false, ERR_EXECUTABLE_SIZE, false},
		{"/out/good", 10, false, ERR_EXECUTABLE_PLACE, false},
		{"/out/none", 10, false, ERR_EXECUTABLE_PLACE, false},
		{"/in/no/good", 10, false, ERR_EXECUTABLE_PLACE, false},
	};

	for (size_t i = 0; i < COUNT(rows) * TRUST_POLICY_COUNT; i++) {
		enum trust_policy policy = (enum trust_policy)(i % TRUST_POLICY_COUNT);
		size_t row = i / TRUST_POLICY_COUNT;
		struct trust_opts opts = {
			.policy = policy,
			.allowed_directories = allowed,
			.forbidden_paths = forbidden,
			.max_executable_bytes = 10,
		};
		struct guard guard = {list, &opts};
		struct guard_question question = {
			{rows[row].path, rows[row].path, "echo"}, rows[row].bytes, -1};
		struct digest digest = whitelist_at(list, 0)->digest;
		struct guard_remarks remarks = {.count = 0};
		struct err err = {0};
		bool runs = rows[row].code == 0 || policy == TRUST_AUDIT ||
			    (policy == TRUST_PERMISSIVE && rows[row].permits);

		digest.bytes[0] ^= rows[row].is_changed;
		if ((ask(&guard, &question, &digest, &remarks, &err) == 0) != runs)
			fail_msg("row %zu, policy %d: %s", row, (int)policy, err.text);
		if (!runs)
			assert_int_equal(err.code, rows[row].code);
		else if (rows[row].code)
			assert_int_equal(remarks.rows[0].code, rows[row].code);
		assert_int_equal(remarks.count > 0, runs && rows[row].code != 0);
	}
	whitelist_free(list);
}

static void audit_tells_everything_that_deviates(void **state)
{
	struct whitelist *list = parse("version: 1\nplugins: [{path: /f/a, hash: " DIGITS "}]\n");
	char *allowed[] = {(char *)"/in", NULL};
	char *forbidden[] = {(char *)"/f", NULL};
	struct trust_opts opts = {.policy = TRUST_AUDIT,
				  .allowed_directories = allowed,
				  .forbidden_paths = forbidden};
	struct guard_question question = {{"/f/a", "/f/a", "echo"}, 1, -1};
	struct guard_remarks remarks = {.count = 0};
	struct digest other = {{0}};
	struct err err;

	assert_int_equal(ask(&(struct guard){list, &opts}, &question, &other, &remarks, &err), 0);
	assert_int_equal(remarks.count, 4);
	assert_int_equal(remarks.rows[0].code, ERR_EXECUTABLE_PLACE);
	assert_int_equal(remarks.rows[1].code, ERR_EXECUTABLE_PLACE);
	assert_int_equal(remarks.rows[2].code, ERR_EXECUTABLE_SIZE);
	assert_int_equal(remarks.rows[3].code, ERR_WHITELIST_MISMATCH);
	whitelist_free(list);
}

/* ---- owners ---- */

/* What owners_check() says of the file; 0 or the error's code. */
static int check(const char *path, struct err *err)
{
	int place = open(path, O_PATH | O_CLOEXEC);
	int r = owners_check(place, path, err);

	close(place);
	return r < 0 ? err->code : 0;
}

static void modes_of_the_file_and_of_all_above_it_count(void **state)
{
	static const struct {
		mode_t file;
		mode_t directory;
		const char *says; /* NULL: nobody else may change it */
	} rows[] = {
		{0755, 0755, NULL},
		{0500, 0700, NULL},
		{0755, 01777, NULL},
		{0755, 01775, NULL},
		{0775, 0755, "/program' may be written by its group (its mode is 0775)"},
		{0757, 0755, "/program' may be written by everybody"},
		{01757, 0755, "/program' may be written by everybody"},
		{0755, 0775, "' may be written by its group (its mode is 0775)"},
		{0755, 0757, "' may be written by everybody"},
	};
	char directory[] = "/tmp/plugd-guard-XXXXXX";
	char path[64];
	struct err err;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/program", directory);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(chmod(path, rows[i].file), 0);
		assert_int_equal(chmod(directory, rows[i].directory), 0);
		assert_int_equal(check(path, &err), rows[i].says ? ERR_EXECUTABLE_EXPOSED : 0);
		if (rows[i].says && !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
	}
	unlink(path);
	rmdir(directory);
}

static void a_path_that_leads_elsewhere_by_now_is_refused(void **state)
{
	char directory[] = "/tmp/plugd-guard-XXXXXX";
	char path[64], other[64];
	struct err err;
	int place;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/program", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	place = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0700);
	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0700));
	assert_int_equal(rename(other, path), 0);
	assert_true(owners_check(place, path, &err) < 0);
	assert_non_null(strstr(err.text, "was replaced while it was looked at"));
	assert_int_equal(symlink(path, other), 0);
	assert_true(owners_check(place, other, &err) < 0);
	unlink(path);
	assert_true(owners_check(place, path, &err) < 0);
	assert_non_null(strstr(err.text, "can't be followed: No such file"));
	close(place);
	unlink(other);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_path_names_its_file_in_one_way),
		cmocka_unit_test(below_is_a_matter_of_whole_names),
		cmocka_unit_test(each_policy_tolerates_its_deviations_and_no_other),
		cmocka_unit_test(audit_tells_everything_that_deviates),
		cmocka_unit_test(modes_of_the_file_and_of_all_above_it_count),
		cmocka_unit_test(a_path_that_leads_elsewhere_by_now_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
