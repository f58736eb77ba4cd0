/* Memory that is there, and the end of the process when it isn't. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/unit.h"

static void zeroed_memory_is_zero(void **state)
{
	uint64_t *words = mem_array(100, sizeof(*words));

	for (int i = 0; i < 100; i++)
		assert_int_equal(words[i], 0);
	free(words);
}

static void nothing_is_memory_too(void **state)
{
	void *none = mem_alloc(0);
	void *zero = mem_array(0, 8);

	assert_non_null(none);
	assert_non_null(zero);
	none = mem_realloc(none, 0);
	assert_non_null(none);
	free(none);
	free(zero);
}

static void texts_are_copied(void **state)
{
	char *copy = mem_strdup("abc");
	char *part = mem_strndup((struct str){"abc", 2});
	char *printed = mem_printf("%d-%s", 7, "x");

	assert_string_equal(copy, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(printed, "7-x");
	assert_null(mem_strdup(NULL));
	free(copy);
	free(part);
	free(printed);
}

/* In a child: a count whose product overflows must end it, never return a short piece. */
static void an_impossible_wish_aborts_with_a_line(void **state)
{
	volatile size_t count = SIZE_MAX / 4;
	char line[64] = "";
	int status;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(pipe_fds[1], STDERR_FILENO);
		mem_array(count, 16);
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(read(pipe_fds[0], line, sizeof(line) - 1) > 0);
	close(pipe_fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_memory_is_zero),
		cmocka_unit_test(nothing_is_memory_too),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(an_impossible_wish_aborts_with_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
