/* Real children: what they inherit, how their end is told, and that nothing of them is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "observe/errors.h"
#include "plugin/process.h"

/* Of an ELF header; <elf.h> and <ev.h> both define EV_NONE. */
#define MACHINE_AT	18
#define MACHINE_AARCH64 183

#define HOUR_MS	   INT64_C(3600000)
#define TEXTS(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

struct fixture {
	struct loop *loop;
	struct process *process;
	struct process_fds fds;
	struct process_end end;
	unsigned ended;
	char directory[64];
	char path[96]; /* of a file in it */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->fds = (struct process_fds){-1, -1, -1};
	strcpy(f->directory, "/tmp/plugd-process-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/program", f->directory);
	*state = f;
	return 0;
}

static void close_fds(struct fixture *f)
{
	if (f->fds.read_fd == f->fds.write_fd)
		f->fds.read_fd = -1;
	fd_close(&f->fds.write_fd);
	fd_close(&f->fds.read_fd);
	fd_close(&f->fds.stderr_fd);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	process_free(f->process);
	close_fds(f);
	unlink(f->path);
	rmdir(f->directory);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* ---- verbs ---- */

static void on_exit_told(void *user, const struct process_end *end)
{
	struct fixture *f = user;

	f->end = *end;
	f->ended++;
}

static struct exec_image *load(const char *path)
{
	struct exec_image *image = NULL;
	struct err err = {0};

	if (exec_image_load_unpinned(path, &image, &err) < 0)
		fail_msg("%s", err.text);
	return image;
}

static int try_start(struct fixture *f, struct process_opts opts, struct err *err)
{
	opts.name = "test";
	opts.on_exit = on_exit_told;
	opts.user = f;
	return process_start(f->loop, &opts, &f->process, &f->fds, err);
}

static void start(struct fixture *f, struct process_opts opts)
{
	struct exec_image *image = opts.image ? NULL : load(PROCESS_CHILD);
	struct err err = {0};

	if (image)
		opts.image = image;
	if (try_start(f, opts, &err) < 0)
		fail_msg("%s", err.text);
	exec_image_release(image);
	fd_set_nonblock(f->fds.read_fd, false);
}

static void start_child(struct fixture *f, const char *what, const char *argument)
{
	start(f, (struct process_opts){.args = TEXTS(what, argument)});
}

static void wait_end(struct fixture *f)
{
	while (f->ended == 0)
		loop_turn(f->loop, true);
	assert_int_equal(f->ended, 1);
	assert_false(process_is_running(f->process));
}

/* All that the child writes until nobody can write any more. */
static char *read_all(struct fixture *f)
{
	static char text[8192];
	size_t len = 0;
	ssize_t more;

	while ((more = read(f->fds.read_fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)more;
	text[len] = '\0';
	return text;
}

static void read_ready(struct fixture *f)
{
	char text[6];

	assert_int_equal(fd_read_all(f->fds.read_fd, text, sizeof(text)), 0);
	assert_memory_equal(text, "ready\n", 6);
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, len), 0);
	close(fd);
}

static size_t read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, out, size);

	close(fd);
	assert_true(len > 0 && (size_t)len < size);
	return (size_t)len;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void wait_pid_gone(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd watched = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return; /* gone and reaped */
	assert_int_equal(poll(&watched, 1, -1), 1);
	close(pidfd);
}

/* ---- what a child gets ---- */

static void child_gets_three_descriptors_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	int stray = open("/dev/null", O_RDONLY); /* not close-on-exec, as a library might do */
	int high = fcntl(stray, F_DUPFD, 500);

	start_child(f, "report", NULL);
	assert_has(read_all(f), "fds 0 1 2\n");
	close(stray);
	close(high);
}

static void child_gets_its_descriptors_when_the_host_has_none(void **state)
{
	struct fixture *f = *state;
	int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);

	close(STDIN_FILENO); /* the first pipe's end gets number 0 */
	start_child(f, "echo", NULL);
	assert_int_equal(fd_write_all(f->fds.write_fd, "hello", 5), 0);
	fd_close(&f->fds.write_fd);
	assert_string_equal(read_all(f), "hello");
	if (kept >= 0)
		dup2(kept, STDIN_FILENO);
	close(kept);
}

static void child_gets_only_the_configured_environment(void **state)
{
	struct fixture *f = *state;
	char *text;

	setenv("SECRET_OF_THE_HOST", "x", 1);
	start(f,
	      (struct process_opts){.args = TEXTS("report"), .env = TEXTS("A=1", "B=two words")});
	text = read_all(f);
	assert_has(text, "env A=1\nenv B=two words\n");
	assert_null(strstr(text, "SECRET"));
}

static void child_gets_an_empty_environment_by_default(void **state)
{
	struct fixture *f = *state;

	start_child(f, "report", NULL);
	assert_null(strstr(read_all(f), "env "));
}

static void child_gets_default_signals(void **state)
{
	struct fixture *f = *state;
	sigset_t set;
	sigset_t before;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	start_child(f, "report", NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_has(read_all(f), "odd signals 0\n");
}

static void the_host_keeps_its_signal_mask(void **state)
{
	struct fixture *f = *state;
	sigset_t mask;

	start_child(f, "exit", "0");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signum = 1; signum < NSIG; signum++)
		assert_int_not_equal(sigismember(&mask, signum), 1);
}

static void child_leads_its_session_without_a_terminal(void **state)
{
	struct fixture *f = *state;
	char *text;

	start(f, (struct process_opts){.args = TEXTS("report"), .work_dir = "/usr"});
	text = read_all(f);
	assert_has(text, "leads session 1, group 1\n");
	assert_has(text, "tty 0\n");
	assert_has(text, "death signal 9\n");
	assert_has(text, "umask 077\n");
	assert_has(text, "directory /usr\n");
}

static void child_dies_with_a_host_that_is_killed(void **state)
{
	struct fixture *f = *state;
	int news[2];
	pid_t child;
	pid_t host;

	assert_int_equal(fd_pipe(news), 0);
	host = fork();
	if (host == 0) { /* a host of its own, which starts the child and hangs */
		start_child(f, "ignore", NULL);
		read_ready(f);
		child = process_pid(f->process);
		fd_write_all(news[1], &child, sizeof(child));
		for (;;)
			pause();
	}
	assert_int_equal(fd_read_all(news[0], &child, sizeof(child)), 0);
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	wait_pid_gone(child);
	close(news[0]);
	close(news[1]);
}

/* ---- which bytes run ---- */

static void runs_the_bytes_that_were_hashed_after_the_file_was_replaced(void **state)
{
	struct fixture *f = *state;
	static const char evil[] = "#!/bin/sh\necho evil\n";
	static char bytes[1 << 20];
	struct exec_image *image;

	write_file(f->path, bytes, read_file("/bin/echo", bytes, sizeof(bytes)));
	image = load(f->path);
	write_file(f->path, evil, sizeof(evil) - 1); /* the same inode */
	start(f, (struct process_opts){.image = image, .args = TEXTS("honest")});
	exec_image_release(image);
	assert_string_equal(read_all(f), "honest\n");
}

static void a_script_runs_by_its_interpreter_from_the_hashed_bytes(void **state)
{
	struct fixture *f = *state;
	static const char script[] = "#! /bin/sh -f \necho $0 $1 *; ls /proc/$$/fd\n";
	struct exec_image *image;

	write_file(f->path, script, sizeof(script) - 1);
	image = load(f->path);
	unlink(f->path);
	start(f, (struct process_opts){.image = image,
				       .args = TEXTS("argument"),
				       .env = TEXTS("PATH=/usr/bin:/bin")});
	exec_image_release(image);
	/* dash reads its script by a descriptor of its own, 10. */
	assert_string_equal(read_all(f), "/proc/self/fd/3 argument *\n0\n1\n10\n2\n3\n");
}

/* ---- what fails, in words ---- */

/* The child's program, spoilt in one way. */
static void write_spoilt(const char *path, const char *how)
{
	static char elf[1 << 20];
	size_t len = read_file(PROCESS_CHILD, elf, sizeof(elf));

	if (strcmp(how, "machine") == 0)
		elf[MACHINE_AT] = (char)MACHINE_AARCH64;
	if (strcmp(how, "loader") == 0)
		memcpy(memmem(elf, len, "/ld-linux", 9), "/no-linux", 9);
	if (strcmp(how, "cut") == 0)
		len = 80;
	if (strcmp(how, "text") == 0)
		len = (size_t)snprintf(elf, sizeof(elf), "echo hello\n");
	write_file(path, elf, len);
}

static void a_failing_start_says_why(void **state)
{
	static const struct {
		const char *spoilt;
		const char *work_dir;
		int errnum;
		const char *says;
	} rows[] = {
		{"", "/no/such/directory", ENOENT,
		 "plugin 'test': '/no/such/directory': its work_dir can't be entered: No such"},
		{"", "/etc/passwd", ENOTDIR, "can't be entered: Not a directory"},
		{"machine", NULL, ENOEXEC, "it can't be executed: it is built for aarch64"},
		{"loader", NULL, ENOENT, "/no-linux-x86-64.so.2' does not exist"},
		{"text", NULL, ENOEXEC, "it is neither an ELF program nor a script that begins"},
		{"cut", NULL, ENOEXEC, "it is an ELF file that this kernel can't run"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct process_opts opts = {.work_dir = rows[i].work_dir};
		struct exec_image *image;
		struct err err = {0};

		write_spoilt(f->path, rows[i].spoilt);
		opts.image = image = load(f->path);
		assert_int_equal(try_start(f, opts, &err), -rows[i].errnum);
		exec_image_release(image);
		assert_int_equal(err.code, ERR_PLUGIN_START);
		assert_has(err.text, rows[i].says);
		assert_null(f->process);
	}
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

/* ---- the wires ---- */

static void bytes_pass_both_transports(void **state)
{
	struct fixture *f = *state;

	for (enum plugin_transport transport = PLUGIN_PIPE; transport <= PLUGIN_SOCKETPAIR;
	     transport++) {
		char bytes[5];

		start(f, (struct process_opts){.args = TEXTS("echo"),
					       .transport = transport,
					       .pipe_bytes = 256 << 10});
		assert_int_equal(f->fds.read_fd == f->fds.write_fd, transport == PLUGIN_SOCKETPAIR);
		assert_int_equal(fd_write_all(f->fds.write_fd, "hello", 5), 0);
		assert_int_equal(fd_read_all(f->fds.read_fd, bytes, 5), 0);
		assert_memory_equal(bytes, "hello", 5);
		close_fds(f);
		wait_end(f);
		assert_int_equal(f->end.status, 0);
		process_free(f->process);
		f->process = NULL;
		f->ended = 0;
	}
}

static void a_pipe_has_the_capacity_that_was_asked_for(void **state)
{
	struct fixture *f = *state;

	start(f, (struct process_opts){.args = TEXTS("echo"), .pipe_bytes = 128 << 10});
	assert_int_equal(fcntl(f->fds.write_fd, F_GETPIPE_SZ), 128 << 10);
	assert_int_equal(fcntl(f->fds.read_fd, F_GETPIPE_SZ), 128 << 10);
	assert_true(fcntl(f->fds.write_fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(f->fds.stderr_fd, F_GETFL) & O_NONBLOCK);
}

static void a_hundred_starts_leak_no_descriptor(void **state)
{
	struct fixture *f = *state;
	struct exec_image *image = load(PROCESS_CHILD);
	int before = fd_count();

	for (int i = 0; i < 100; i++) {
		struct process_opts opts = {.image = image,
					    .args = TEXTS("exit", "0"),
					    .transport = (enum plugin_transport)(i % 2)};
		struct err err = {0};

		start(f, opts);
		wait_end(f);
		process_free(f->process);
		f->process = NULL;
		f->ended = 0;
		close_fds(f);
		opts.work_dir = "/no/such/directory";
		assert_true(try_start(f, opts, &err) < 0);
	}
	assert_int_equal(fd_count(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie either */
	exec_image_release(image);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(child_gets_three_descriptors_and_nothing_else),
		TEST(child_gets_its_descriptors_when_the_host_has_none),
		TEST(child_gets_only_the_configured_environment),
		TEST(child_gets_an_empty_environment_by_default),
		TEST(child_gets_default_signals),
		TEST(the_host_keeps_its_signal_mask),
		TEST(child_leads_its_session_without_a_terminal),
		TEST(child_dies_with_a_host_that_is_killed),
		TEST(runs_the_bytes_that_were_hashed_after_the_file_was_replaced),
		TEST(a_script_runs_by_its_interpreter_from_the_hashed_bytes),
		TEST(a_failing_start_says_why),
		TEST(tells_how_it_ended),
		TEST(ends_when_its_input_ends),
		TEST(gets_sigterm_when_it_ignores_the_end_of_its_input),
		TEST(gets_sigkill_when_it_ignores_sigterm),
		TEST(a_stopped_process_can_be_killed),
		TEST(grandchildren_of_the_group_die_with_it),
		TEST(says_so_when_somebody_else_reaped_it),
		TEST(free_kills_what_still_runs),
		TEST(bytes_pass_both_transports),
		TEST(a_pipe_has_the_capacity_that_was_asked_for),
		TEST(a_hundred_starts_leak_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
