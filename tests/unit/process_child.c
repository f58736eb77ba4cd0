/* The child that plugin_process_test starts: it does the one thing that its first argument
 * names. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void report_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;

	printf("fds");
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
			printf(" %s", entry->d_name);
	}
	printf("\n");
	closedir(directory);
}

static void report_signals(void)
{
	struct sigaction action;
	sigset_t mask;
	int odd = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signum = 1; signum < NSIG; signum++) {
		if (sigaction(signum, NULL, &action) == 0 &&
		    (action.sa_handler != SIG_DFL || sigismember(&mask, signum) == 1))
			odd++;
	}
	printf("odd signals %d\n", odd);
}

static int report(void)
{
	int death_signal = 0;
	char directory[256];
	mode_t mask = umask(0);

	report_descriptors();
	report_signals();
	for (char **variable = environ; *variable; variable++)
		printf("env %s\n", *variable);
	prctl(PR_GET_PDEATHSIG, &death_signal);
	printf("leads its group %d\n", getpgrp() == getpid());
	printf("tty %d\n", open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0);
	printf("death signal %d\n", death_signal);
	printf("umask %03o\n", (unsigned)mask);
	printf("directory %s\n", getcwd(directory, sizeof(directory)));
	return 0;
}

static int echo(void)
{
	char bytes[4096];
	ssize_t len;

	while ((len = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
		if (write(STDOUT_FILENO, bytes, (size_t)len) != len)
			return 1;
	}
	return 0;
}

static void on_term(int signum)
{
	_exit(7);
}

/* Says that it is ready, then sleeps through everything but the signal. */
static int sleep_on(void (*handler)(int))
{
	signal(SIGTERM, handler);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 1;
	for (;;)
		pause();
}

static int leave_grandchild(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	printf("%d\n", pid);
	fflush(stdout);
	return echo(); /* until the end of the input */
}

/* Out of the family: its parent ends, it leads a session, and it has no descriptor. */
static int leave_daemon(bool stays)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		if (fork() > 0)
			_exit(0);
		signal(SIGTERM, SIG_IGN);
		dprintf(STDOUT_FILENO, "%d\n", getpid());
		for (int fd = 0; fd < 64; fd++)
			close(fd);
		for (;;)
			pause();
	}
	waitpid(pid, NULL, 0);
	while (stays)
		pause();
	return echo();
}

static int add_lengths(char **args)
{
	size_t sum = 0;

	while (*args)
		sum += strlen(*args++);
	printf("%zu\n", sum);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "report") == 0)
		return report();
	if (strcmp(what, "echo") == 0)
		return echo();
	if (strcmp(what, "abort") == 0)
		abort();
	if (strcmp(what, "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(what, "on-term") == 0)
		return sleep_on(on_term);
	if (strcmp(what, "leave-group") == 0)
		return setpgid(0, getpgid(getppid())) < 0 ? 1 : sleep_on(on_term);
	if (strcmp(what, "ignore") == 0)
		return sleep_on(SIG_IGN);
	if (strcmp(what, "grandchild") == 0)
		return leave_grandchild();
	if (strcmp(what, "daemon") == 0)
		return leave_daemon(argc > 2);
	if (strcmp(what, "lengths") == 0)
		return add_lengths(argv + 2);
	return 2;
}
