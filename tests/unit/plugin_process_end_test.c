/* The end of a child: how it is told, how it is brought about, and that nothing of it is left. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "observe/errors.h"
#include "tests/support/process_world.h"
#include "tests/support/unit.h"

/* ---- how it ends ---- */

static void tells_how_it_ended(void **state)
{
	static const struct {
		const char *what;
		const char *argument;
		bool by_signal;
		int status;
		const char *text;
	} rows[] = {
		{"exit", "0", false, 0, "exited with status 0"},
		{"exit", "3", false, 3, "exited with status 3"},
		{"abort", NULL, true, SIGABRT, "killed by signal 6 (SIGABRT)"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start_child(f, rows[i].what, rows[i].argument);
		wait_end(f);
		assert_int_equal(f->end.by_signal, rows[i].by_signal);
		assert_int_equal(f->end.status, rows[i].status);
		assert_memory_equal(f->end.text, rows[i].text, strlen(rows[i].text));
		assert_false(f->end.by_host);
		assert_true(f->end.max_rss_bytes > 0);
		process_free(f->process);
		f->process = NULL;
		f->ended = 0;
		close_fds(f);
	}
}

static void ends_when_its_input_ends(void **state)
{
	struct fixture *f = *state;

	start_child(f, "echo", NULL);
	fd_close(&f->fds.write_fd);
	process_stop(f->process, HOUR_MS, HOUR_MS);
	wait_end(f);
	assert_string_equal(f->end.text, "exited with status 0");
	assert_true(f->end.by_host);
}

static void gets_sigterm_when_it_ignores_the_end_of_its_input(void **state)
{
	struct fixture *f = *state;

	start_child(f, "on-term", NULL);
	read_ready(f);
	fd_close(&f->fds.write_fd);
	process_stop(f->process, HOUR_MS, HOUR_MS);
	process_stop(f->process, 0, HOUR_MS); /* the impatient second time counts */
	wait_end(f);
	assert_string_equal(f->end.text, "exited with status 7");
}

static void gets_sigterm_when_it_has_left_its_group(void **state)
{
	struct fixture *f = *state;

	start_child(f, "leave-group", NULL);
	read_ready(f);
	process_stop(f->process, 0, HOUR_MS);
	wait_end(f);
	assert_string_equal(f->end.text, "exited with status 7");
}

static void gets_sigkill_when_it_ignores_sigterm(void **state)
{
	struct fixture *f = *state;

	start_child(f, "ignore", NULL);
	read_ready(f);
	process_stop(f->process, 0, 0);
	wait_end(f);
	assert_string_equal(f->end.text, "killed by signal 9 (SIGKILL)");
	process_stop(f->process, 0, 0); /* of no effect any more */
	process_kill(f->process);
}

static void a_stopped_process_can_be_killed(void **state)
{
	struct fixture *f = *state;

	start_child(f, "ignore", NULL);
	read_ready(f);
	kill(process_pid(f->process), SIGSTOP);
	process_kill(f->process);
	wait_end(f);
	assert_int_equal(f->end.status, SIGKILL);
}

static void grandchildren_of_the_group_die_with_it(void **state)
{
	struct fixture *f = *state;
	char text[32] = "";
	pid_t grandchild;

	start_child(f, "grandchild", NULL);
	for (size_t i = 0; !strchr(text, '\n'); i++)
		assert_int_equal(read(f->fds.read_fd, text + i, 1), 1);
	grandchild = atoi(text);
	fd_close(&f->fds.write_fd);
	wait_end(f);
	assert_int_equal(f->end.status, 0);
	wait_pid_gone(grandchild);
}

static void says_so_when_somebody_else_reaped_it(void **state)
{
	struct fixture *f = *state;

	start_child(f, "exit", "0");
	assert_int_equal(waitpid(process_pid(f->process), NULL, 0), process_pid(f->process));
	wait_end(f);
	assert_int_equal(f->end.status, -1);
	assert_has(f->end.text, "something else took its exit status");
}

static void free_kills_what_still_runs(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	start_child(f, "ignore", NULL);
	read_ready(f);
	pid = process_pid(f->process);
	process_free(f->process);
	f->process = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(f->ended, 0);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, process_world_setup, process_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_how_it_ended),
		TEST(ends_when_its_input_ends),
		TEST(gets_sigterm_when_it_ignores_the_end_of_its_input),
		TEST(gets_sigterm_when_it_has_left_its_group),
		TEST(gets_sigkill_when_it_ignores_sigterm),
		TEST(a_stopped_process_can_be_killed),
		TEST(grandchildren_of_the_group_die_with_it),
		TEST(says_so_when_somebody_else_reaped_it),
		TEST(free_kills_what_still_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
