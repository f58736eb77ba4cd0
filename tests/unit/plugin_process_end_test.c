/* The end of a child: how it is told, how it is brought about, and that nothing of it is left. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
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

static void end_fixture_process(struct fixture *f)
{
	process_free(f->process);
	f->process = NULL;
	f->ended = 0;
	close_fds(f);
}

/* Dead and reaped. */
static void assert_gone(pid_t pid)
{
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

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
		end_fixture_process(f);
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
	assert_false(f->end.by_host);
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
	pid_t grandchild;

	start_child(f, "grandchild", NULL);
	grandchild = read_pid(f);
	fd_close(&f->fds.write_fd);
	wait_end(f);
	assert_int_equal(f->end.status, 0);
	assert_gone(grandchild);
}

static void a_daemon_lives_no_longer_than_its_process(void **state)
{
	struct fixture *f = *state;
	pid_t daemon;
	char byte;

	start_child(f, "daemon", NULL);
	daemon = read_pid(f);
	assert_int_equal(fd_write_all(f->fds.write_fd, "x", 1), 0);
	assert_int_equal(fd_read_all(f->fds.read_fd, &byte, 1), 0);
	assert_int_equal(parent_of(daemon), parent_of(process_pid(f->process)));
	fd_close(&f->fds.write_fd);
	wait_end(f);
	assert_int_equal(f->end.status, 0);
	assert_gone(daemon);
}

static void one_process_s_end_is_no_other_s(void **state)
{
	struct fixture *f = *state;
	struct process *other;
	struct process_fds other_fds;
	pid_t daemon;

	start_child(f, "daemon", NULL);
	daemon = read_pid(f);
	other = f->process;
	other_fds = f->fds;
	start_child(f, "exit", "0");
	wait_end(f);
	assert_int_equal(kill(daemon, 0), 0);
	close_fds(f);
	process_free(f->process);
	f->process = other;
	f->fds = other_fds;
}

static void all_die_with_a_keeper_that_is_killed(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	pid_t daemon;

	start_child(f, "daemon", NULL);
	daemon = read_pid(f);
	pid = process_pid(f->process);
	kill(parent_of(pid), SIGKILL);
	wait_end(f);
	assert_int_equal(f->end.status, -1);
	assert_string_equal(f->end.text, "killed, because its keeper was killed");
	wait_pid_gone(pid);
	wait_pid_gone(daemon);
}

static void a_spawner_that_is_killed_costs_nothing(void **state)
{
	struct fixture *f = *state;
	pid_t killed = spawner_pid();
	pid_t daemon;
	char byte;

	start_child(f, "daemon", NULL);
	daemon = read_pid(f);
	kill(killed, SIGKILL);
	wait_pid_gone(killed);
	assert_int_equal(fd_write_all(f->fds.write_fd, "x", 1), 0);
	assert_int_equal(fd_read_all(f->fds.read_fd, &byte, 1), 0);
	process_kill(f->process);
	wait_end(f);
	assert_string_equal(f->end.text, "killed by signal 9 (SIGKILL)");
	assert_gone(daemon);
}

/* A host of its own, which starts the child, loses its spawner, tells the daemon and hangs. */
static void play_host(struct fixture *f, int news)
{
	pid_t daemon;
	pid_t spawner;

	renew_spawner(f);
	start_child(f, "daemon", "stays"); /* its input's end alone would not end it */
	daemon = read_pid(f);
	spawner = parent_of(parent_of(process_pid(f->process)));
	kill(spawner, SIGKILL);
	wait_pid_gone(spawner);
	fd_write_all(news, &daemon, sizeof(daemon));
	for (;;)
		pause();
}

static void a_keeper_needs_no_spawner_to_leave_nothing(void **state)
{
	struct fixture *f = *state;
	int news[2];
	pid_t daemon;
	pid_t host;

	assert_int_equal(fd_pipe(news), 0);
	host = fork();
	if (host == 0)
		play_host(f, news[1]);
	assert_int_equal(fd_read_all(news[0], &daemon, sizeof(daemon)), 0);
	assert_int_equal(kill(daemon, 0), 0);
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	wait_pid_gone(daemon);
	close(news[0]);
	close(news[1]);
}

static void a_start_makes_another_spawner_when_it_was_killed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		pid_t killed = spawner_pid();

		kill(killed, SIGKILL);
		wait_pid_gone(killed);
		for (int starts = 0; starts < 2;
		     starts++) { /* the first by the keeper that waits */
			start_child(f, "exit", "3");
			wait_end(f);
			assert_int_equal(f->end.status, 3);
			end_fixture_process(f);
		}
		assert_int_not_equal(spawner_pid(), killed);
	}
}

/* The keeper that waits for the next start. */
static pid_t wait_for_spare(void)
{
	pid_t spare;

	while (children_of(spawner_pid(), &spare, 1) == 0)
		sched_yield();
	return spare;
}

static void a_start_goes_on_when_the_waiting_keeper_was_killed(void **state)
{
	struct fixture *f = *state;
	pid_t waiting = wait_for_spare();

	kill(waiting, SIGKILL);
	wait_pid_gone(waiting);
	start_child(f, "exit", "3");
	wait_end(f);
	assert_int_equal(f->end.status, 3);
}

static void free_kills_what_still_runs(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	pid_t daemon;

	start_child(f, "daemon", "stays");
	daemon = read_pid(f);
	pid = process_pid(f->process);
	process_free(f->process);
	f->process = NULL;
	wait_pid_gone(pid);
	wait_pid_gone(daemon);
	assert_int_equal(f->ended, 0);
}

static void the_end_of_the_spawner_is_the_end_of_all(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	pid_t daemon;

	start_child(f, "daemon", NULL);
	daemon = read_pid(f);
	pid = process_pid(f->process);
	spawner_free(f->spawner);
	f->spawner = NULL;
	assert_gone(pid);
	assert_gone(daemon);
}

static void a_spawner_that_hangs_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct exec_image *image = load(PROCESS_CHILD);
	struct process_opts opts = {.image = image, .args = TEXTS("exit", "3")};
	struct err err;
	int rc;

	kill(spawner_pid(), SIGSTOP);
	rc = try_start(f, opts, &err);
	if (rc == 0) { /* by a keeper that was forked ahead */
		wait_end(f);
		end_fixture_process(f);
		rc = try_start(f, opts, &err);
	}
	assert_int_equal(rc, -ETIMEDOUT);
	assert_has(err.text, "the spawner gives no answer");
	start(f, opts);
	wait_end(f);
	assert_int_equal(f->end.status, 3);
	exec_image_release(image);
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
		TEST(a_daemon_lives_no_longer_than_its_process),
		TEST(one_process_s_end_is_no_other_s),
		TEST(all_die_with_a_keeper_that_is_killed),
		TEST(a_spawner_that_is_killed_costs_nothing),
		TEST(a_keeper_needs_no_spawner_to_leave_nothing),
		TEST(a_start_makes_another_spawner_when_it_was_killed),
		TEST(a_start_goes_on_when_the_waiting_keeper_was_killed),
		TEST(a_spawner_that_hangs_is_given_up),
		TEST(free_kills_what_still_runs),
		TEST(the_end_of_the_spawner_is_the_end_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
