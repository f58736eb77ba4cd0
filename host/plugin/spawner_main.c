/* The spawner: forks a keeper for each plugin process, because it is small and the host isn't, and
 * is the net below them: when a keeper is killed, what that one kept becomes the spawner's and is
 * killed.
 *
 * Owns the socket to the host and a list of its keepers; every other child is an orphan. It reads
 * no plan and knows no plugin. It ends when the host's end of the socket closes, whyever, and
 * before that kills everything below it. No signal of a terminal or of a service manager ends it:
 * it has to outlive the host by a moment.
 *
 *	host ── spawner ─┬─ keeper ── plugin ── …
 *	                 ├─ keeper ── plugin
 *	                 └─ orphan, until it is dead
 *
 * Where it stays root for a host that is root no longer (spawner_main.h), it keeps the few
 * capabilities that cages are made with, and its keepers hold the host to what it may ask for.
 *
 * Each keeper has a leash to the host of its own, so that a spawner that was killed costs nobody
 * anything, and the host starts another. */
#include "plugin/spawner_main.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/mem.h"
#include "plugin/keeper.h"
#include "plugin/leash.h"
#include "plugin/orphans.h"
#include "trust/privileges.h"

#define SOCKET_FD (STDERR_FILENO + 1) /* where it lies; the first three are /dev/null */

/* What it takes to make a process another user, to bound what it can get, to give it namespaces and
 * mounts, to find the paths that its cage lists, and to end it. */
#define GUARD_CAPABILITIES                                                                         \
	(CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETPCAP) |   \
	 CAPABILITY_BIT(CAP_SYS_ADMIN) | CAPABILITY_BIT(CAP_DAC_READ_SEARCH) |                     \
	 CAPABILITY_BIT(CAP_KILL))

struct spawner_main {
	const struct spawner_duty *duty;
	int child_events; /* a signalfd of SIGCHLD */
	pid_t *keepers;
	size_t keeper_count;
	size_t keeper_room;
};

/* ---- keepers ---- */

static void remember(struct spawner_main *spawner, pid_t keeper)
{
	if (spawner->keeper_count == spawner->keeper_room) {
		spawner->keeper_room = spawner->keeper_room ? 2 * spawner->keeper_room : 16;
		spawner->keepers = mem_realloc(spawner->keepers,
					       spawner->keeper_room * sizeof(*spawner->keepers));
	}
	spawner->keepers[spawner->keeper_count++] = keeper;
}

/* False: it was no keeper. */
static bool forget(struct spawner_main *spawner, pid_t keeper)
{
	for (size_t i = 0; i < spawner->keeper_count; i++) {
		if (spawner->keepers[i] == keeper) {
			spawner->keepers[i] = spawner->keepers[--spawner->keeper_count];
			return true;
		}
	}
	return false;
}

/* ---- namespaces ---- */

static bool write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && fd_write_all(fd, text, len) == 0;

	fd_close(&fd);
	return done;
}

/* In a new user namespace one is nobody until this is written: who one was, and nobody else. Of a
 * process that is not dumpable, as any that was root, these files are root's. */
static void keep_identity(uid_t uid, gid_t gid)
{
	char users[32];
	char groups[32];
	int user_bytes = snprintf(users, sizeof(users), "%u %u 1\n", uid, uid);
	int group_bytes = snprintf(groups, sizeof(groups), "%u %u 1\n", gid, gid);
	int was_dumpable = prctl(PR_GET_DUMPABLE);

	prctl(PR_SET_DUMPABLE, 1);
	if (!write_file("/proc/self/setgroups", "deny", 4) ||
	    !write_file("/proc/self/uid_map", users, (size_t)user_bytes) ||
	    !write_file("/proc/self/gid_map", groups, (size_t)group_bytes))
		_exit(1); /* the host hears that its leash has no other end */
	prctl(PR_SET_DUMPABLE, was_dumpable == 1);
}

/* fork(), but into namespaces; glibc has no word for it. */
static pid_t fork_caged(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	unsigned long users = uid == 0 ? 0 : CLONE_NEWUSER;
	pid_t pid =
		(pid_t)syscall(SYS_clone, CLONE_NEWPID | users | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0 && users != 0)
		keep_identity(uid, gid);
	return pid;
}

/* Where the kernel grants no namespace, a plain one: the child finds out which walls are
 * missing. */
static pid_t fork_as(char request)
{
	pid_t pid = request == SPAWNER_CAGED ? fork_caged() : -1;

	return pid >= 0 ? pid : fork();
}

static void fork_keeper(struct spawner_main *spawner, int leash, char request)
{
	struct leash_news failed = {.kind = LEASH_FAILED, .failed = SPAWN_CLONE};
	pid_t pid = fork_as(request);

	if (pid == 0) {
		close(SOCKET_FD);
		close(spawner->child_events);
		keeper_run(leash, spawner->duty);
	}
	failed.errnum = errno;
	if (pid < 0)
		leash_send_news(leash, &failed, -1);
	else
		remember(spawner, pid);
}

/* ---- events ---- */

static void give_up(void)
{
	orphans_kill_all();
	_exit(0);
}

static void serve_host(struct spawner_main *spawner)
{
	int leash = -1;
	size_t fd_count = 1;
	char request;
	int rc = fdpass_recv(SOCKET_FD, &request, sizeof(request), &leash, &fd_count);

	if (rc == 0)
		give_up();
	if (rc > 0 && fd_count == 1) {
		fork_keeper(spawner, leash, request);
		close(leash);
	}
}

/* Orphans come when a keeper was killed or an orphan ends; a keeper that exits has left none. */
static void reap(struct spawner_main *spawner)
{
	struct signalfd_siginfo seen;
	bool left_some = false;
	int status;
	pid_t pid;

	if (read(spawner->child_events, &seen, sizeof(seen)) < 0)
		give_up();
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		left_some |= !forget(spawner, pid) || !WIFEXITED(status);
	if (left_some)
		orphans_kill(spawner->keepers, spawner->keeper_count);
}

/* ---- the beginning ---- */

/* Nothing of the host's stays open: a listening socket would stay bound, a pipe never end. */
static void set_descriptors(int socket)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (socket != SOCKET_FD && dup3(socket, SOCKET_FD, O_CLOEXEC) < 0)
		_exit(1);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null != fd && dup3(null, fd, O_CLOEXEC) < 0)
			close(fd);
	}
	if (syscall(SYS_close_range, SOCKET_FD + 1, ~0u, 0u) < 0)
		_exit(1);
}

/* The host's handlers would run in here. */
static void reset_handlers(void)
{
	for (int signum = 1; signum < NSIG; signum++)
		signal(signum, SIG_DFL);
}

static int open_child_events(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A spawner that is made again later is a child of a host that has become another already. */
static void give_up_rights(const struct spawner_duty *duty)
{
	int r = 0;

	if (!duty->host.is_other || geteuid() != 0)
		return;
	r = duty->stays_root ? privileges_keep(GUARD_CAPABILITIES)
			     : privileges_drop(&duty->host, NULL);
	if (r == 0 && duty->no_new_privs)
		r = privileges_forbid_new(NULL);
	if (r < 0)
		_exit(1); /* the host hears that nobody is there */
}

/* Not a session of its own: where the kernel shares out the CPU among sessions (sched_autogroup),
 * host and plugins would be on two sides, and each switch between them dearer. */
static void become_spawner(struct spawner_main *spawner, int socket)
{
	reset_handlers();
	set_descriptors(socket);
	prctl(PR_SET_NAME, SPAWNER_NAME);
	setpgid(0, 0);
	give_up_rights(spawner->duty);
	spawner->child_events = open_child_events();
	if (spawner->child_events < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		_exit(1);
}

void spawner_main(int socket, const struct spawner_duty *duty)
{
	struct spawner_main spawner = {.duty = duty};
	struct pollfd polled[] = {{.fd = SOCKET_FD, .events = POLLIN}, {.events = POLLIN}};

	become_spawner(&spawner, socket);
	polled[1].fd = spawner.child_events;
	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			give_up();
		if (polled[1].revents)
			reap(&spawner);
		if (polled[0].revents)
			serve_host(&spawner);
	}
}
