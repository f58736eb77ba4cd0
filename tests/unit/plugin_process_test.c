/* Real children: what they inherit, which bytes they run, and what is said when they can't. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "observe/errors.h"
#include "tests/support/process_world.h"
#include "tests/support/unit.h"

/* Of an ELF header; <elf.h> and <ev.h> both define EV_NONE. */
#define MACHINE_AT	18
#define MACHINE_AARCH64 183

#define SPAWNER_FDS 5 /* three of /dev/null, its socket, its signalfd */

/* ---- what a child gets ---- */

static void child_gets_three_descriptors_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	int stray = open("/dev/null", O_RDONLY); /* not close-on-exec, as a library might do */
	int high = fcntl(stray, F_DUPFD, 500);

	renew_spawner(f);
	start_child(f, "report", NULL);
	assert_has(read_all(f), "fds 0 1 2\n");
	close(stray);
	close(high);
}

static void arguments_may_be_longer_than_a_datagram(void **state)
{
	struct fixture *f = *state;
	static char long_one[100001];
	char *args[] = {(char[]){"lengths"},
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			long_one,
			NULL};

	memset(long_one, 'x', sizeof(long_one) - 1);
	start(f, (struct process_opts){.args = args});
	assert_string_equal(read_all(f), "1000000\n");
}

static void arguments_that_no_program_takes_are_refused(void **state)
{
	struct fixture *f = *state;
	struct exec_image *image = load(PROCESS_CHILD);
	static char long_one[100001];
	static char *args[201];
	struct process_opts opts = {.image = image, .args = args};
	struct err err;

	memset(long_one, 'x', sizeof(long_one) - 1);
	for (size_t i = 0; i < 200; i++) { /* 10 MB, and then 20 MB */
		args[i] = long_one;
		if (i != 99 && i != 199)
			continue;
		assert_int_equal(try_start(f, opts, &err), -E2BIG);
		assert_has(err.text, "it can't be executed: Argument list too long");
	}
	exec_image_release(image);
}

static void child_gets_its_descriptors_when_the_host_has_none(void **state)
{
	struct fixture *f = *state;
	int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);

	close(STDIN_FILENO); /* the first pipe's end gets number 0 */
	renew_spawner(f);
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
	renew_spawner(f);
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
	renew_spawner(f);
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

static void child_leads_its_group_without_a_terminal(void **state)
{
	struct fixture *f = *state;
	char *text;

	start(f, (struct process_opts){.args = TEXTS("report"), .work_dir = "/usr"});
	text = read_all(f);
	assert_has(text, "leads its group 1\n");
	assert_has(text, "tty 0\n");
	assert_has(text, "death signal 9\n");
	assert_has(text, "umask 077\n");
	assert_has(text, "directory /usr\n");
}

/* A terminal that the calling process, which must lead its session, is controlled by. */
static int open_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    open(ptsname(master), O_RDWR | O_CLOEXEC) < 0)
		return -1;
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

static void child_is_kept_off_the_terminal_of_the_host(void **state)
{
	struct fixture *f = *state;
	pid_t host = fork();
	int status;

	if (host == 0) {
		if (setsid() < 0 || open_terminal() < 0)
			_exit(2);
		renew_spawner(f);
		start_child(f, "report", NULL);
		_exit(strstr(read_all(f), "leads its group 1\ntty 0\n") ? 0 : 1);
	}
	assert_int_equal(waitpid(host, &status, 0), host);
	assert_int_equal(status, 0);
}

/* As a kernel without Landlock: the calling process and all that it makes. */
static void forget_landlock(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(2);
}

/* Bits of the walls of a profile that a child has. */
static uint32_t walls_that_stand(struct fixture *f, enum sandbox_profile profile)
{
	struct cage *cage;
	struct err err;
	uint32_t enforced;

	if (cage_new(&(struct sandbox_opts){.profile = profile}, "p", geteuid() == 0, &cage, &err) <
	    0)
		_exit(3);
	start(f, (struct process_opts){.args = TEXTS("exit", "0"), .cage = cage});
	enforced = process_cage_report(f->process)->enforced;
	process_free(f->process);
	f->process = NULL;
	close_fds(f);
	cage_free(cage);
	return enforced;
}

static void namespaces_stand_for_what_an_old_kernel_lacks(void **state)
{
	const uint32_t both = WALL_BIT(WALL_PORTS) | WALL_BIT(WALL_SCOPE);
	struct fixture *f = *state;
	pid_t host = fork();
	int status;

	if (host == 0) {
		uint32_t strict;

		forget_landlock();
		renew_spawner(f);
		strict = walls_that_stand(f, SANDBOX_STRICT);
		if ((strict & both) != both || strict & WALL_BIT(WALL_PATHS))
			_exit(1);
		_exit(walls_that_stand(f, SANDBOX_STANDARD) & both ? 1 : 0);
	}
	assert_int_equal(waitpid(host, &status, 0), host);
	assert_int_equal(status, 0);
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
		renew_spawner(f);
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

static int descriptors_of(pid_t pid)
{
	char path[64];
	DIR *directory;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/* Only the keeper that waits for the next start. */
static void wait_until_it_keeps_one(pid_t spawner)
{
	pid_t keepers[2];

	while (children_of(spawner, keepers, 2) != 1)
		sched_yield();
}

static void two_hundred_starts_leak_nothing(void **state)
{
	struct fixture *f = *state;
	struct exec_image *image = load(PROCESS_CHILD);
	int before = fd_count();

	for (int i = 0; i < 200; i++) {
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
	wait_until_it_keeps_one(spawner_pid());		     /* no zombie either */
	while (descriptors_of(spawner_pid()) != SPAWNER_FDS) /* a leash is on its way */
		sched_yield();
	exec_image_release(image);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, process_world_setup, process_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(child_gets_three_descriptors_and_nothing_else),
		TEST(arguments_may_be_longer_than_a_datagram),
		TEST(arguments_that_no_program_takes_are_refused),
		TEST(child_gets_its_descriptors_when_the_host_has_none),
		TEST(child_gets_only_the_configured_environment),
		TEST(child_gets_an_empty_environment_by_default),
		TEST(child_gets_default_signals),
		TEST(the_host_keeps_its_signal_mask),
		TEST(child_leads_its_group_without_a_terminal),
		TEST(child_is_kept_off_the_terminal_of_the_host),
		TEST(namespaces_stand_for_what_an_old_kernel_lacks),
		TEST(child_dies_with_a_host_that_is_killed),
		TEST(runs_the_bytes_that_were_hashed_after_the_file_was_replaced),
		TEST(a_script_runs_by_its_interpreter_from_the_hashed_bytes),
		TEST(a_failing_start_says_why),
		TEST(bytes_pass_both_transports),
		TEST(a_pipe_has_the_capacity_that_was_asked_for),
		TEST(two_hundred_starts_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
