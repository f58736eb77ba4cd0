/* The strings of a plan on their way to another process: all of them, or an error. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plugin/spawn_strings.h"
#include "tests/support/unit.h"

static char *argv[] = {(char[]){"/bin/x"}, (char[]){""}, (char[]){"two words"}, NULL};
static char *env[] = {(char[]){"A=1"}, NULL};
static const struct spawn_plan plan = {.argv = argv, .env = env, .work_dir = "/tmp"};

static void free_lists(struct spawn_plan *got)
{
	free((char **)got->argv);
	free((char **)got->env);
}

static void all_strings_arrive(void **state)
{
	struct spawn_counts counts;
	struct spawn_plan got;
	struct buf bytes = {0};

	spawn_strings_pack(&plan, &bytes, &counts);
	assert_int_equal(spawn_strings_unpack(buf_front(&bytes), buf_len(&bytes), &counts, &got),
			 0);
	assert_string_equal(got.work_dir, "/tmp");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(got.argv[i], argv[i]);
	assert_null(got.argv[3]);
	assert_string_equal(got.env[0], "A=1");
	assert_null(got.env[1]);
	free_lists(&got);
	buf_deinit(&bytes);
}

static void no_environment_is_an_empty_one(void **state)
{
	const struct spawn_plan bare = {.argv = argv, .work_dir = "/"};
	struct spawn_counts counts;
	struct spawn_plan got;
	struct buf bytes = {0};

	spawn_strings_pack(&bare, &bytes, &counts);
	assert_int_equal(spawn_strings_unpack(buf_front(&bytes), buf_len(&bytes), &counts, &got),
			 0);
	assert_null(got.env[0]);
	free_lists(&got);
	buf_deinit(&bytes);
}

/* In memory of their own, so that a byte too far is seen. */
static int unpack_copy(const uint8_t *bytes, size_t len, struct spawn_counts counts)
{
	uint8_t *copy = memcpy(mem_alloc(len + !len), bytes, len);
	struct spawn_plan got;
	int rc = spawn_strings_unpack(copy, len, &counts, &got);

	if (rc == 0)
		free_lists(&got);
	free(copy);
	return rc;
}

static void other_counts_and_cut_or_surplus_bytes_are_refused(void **state)
{
	struct spawn_counts counts;
	struct buf bytes = {0};
	size_t len;

	spawn_strings_pack(&plan, &bytes, &counts);
	len = buf_len(&bytes);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(unpack_copy(buf_front(&bytes), cut, counts), -EBADMSG);
	for (uint32_t more = 1; more != 0; more *= 2) {
		struct spawn_counts arguments = {counts.arguments + more, counts.variables};
		struct spawn_counts variables = {counts.arguments, counts.variables + more};

		assert_int_equal(unpack_copy(buf_front(&bytes), len, arguments), -EBADMSG);
		assert_int_equal(unpack_copy(buf_front(&bytes), len, variables), -EBADMSG);
	}
	buf_append(&bytes, "", 1);
	assert_int_equal(unpack_copy(buf_front(&bytes), len + 1, counts), -EBADMSG);
	buf_deinit(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_strings_arrive),
		cmocka_unit_test(no_environment_is_an_empty_one),
		cmocka_unit_test(other_counts_and_cut_or_surplus_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
