/* The host's side of the spawner. Owns the process, the socket to it, and the leash of a keeper
 * that waits for the next start, so that no start waits for a fork. process.c starts plugins
 * through it, host.c makes it first and frees it last. It is expected to live as long as the host;
 * if somebody kills it, that is logged, and the next start makes another, then by a fork of the
 * running host; unless the host has given up what it would need for that. It never signals a
 * number: the spawner is killed by its pidfd, or, where it is root and we are not, ends because its
 * socket does. */
#include "plugin/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/leash.h"
#include "plugin/spawner_main.h"

/* For an exec, which may wait for a disk, and for the end of killed processes. */
#define PATIENCE_S 5

#define WAS_KILLED                                                                                 \
	"the spawner, or the keeper that waited, was killed; plugins go on, the next start makes " \
	"another"

#define WAS_LOST                                                                                   \
	"the spawner that had stayed root is gone; plugins that run go on, others can't be "       \
	"started: restart plugd"

enum keeper_kind { KEEPER_PLAIN, KEEPER_CAGED, KEEPER_KINDS };

static const char requests[KEEPER_KINDS] = {SPAWNER_PLAIN, SPAWNER_CAGED};

struct spawner {
	struct spawner_duty duty;
	bool is_root;
	struct loop *loop; /* NULL: nobody watches */
	struct log *log;
	struct loop_io watcher;
	int socket; /* -1: there is no spawner */
	int pidfd;
	int next_leash[KEEPER_KINDS]; /* of the keeper of a kind that waits; -1: none */
	enum keeper_kind kind;	      /* of the start under way, or the last one */
};

/* ---- life ---- */

/* All signals are blocked meanwhile: a handler of the host must not run in the child. */
static pid_t fork_quietly(int socket, const struct spawner_duty *duty)
{
	sigset_t all;
	sigset_t before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		spawner_main(socket, duty);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void on_socket_ready(void *user, bool readable, bool writable);
static int ask_for_keeper(struct spawner *spawner);

static void watch(struct spawner *spawner)
{
	loop_io_init(&spawner->watcher, spawner->loop, spawner->socket, on_socket_ready, spawner);
	loop_io_want(&spawner->watcher, true, false);
}

static int launch(struct spawner *spawner)
{
	int ends[2];
	pid_t pid;

	if (spawner_is_guard(&spawner->duty) && geteuid() != 0)
		return -EKEYREVOKED;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork_quietly(ends[1], &spawner->duty);
	spawner->pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	close(ends[1]);
	if (spawner->pidfd < 0) {
		int errnum = errno;

		close(ends[0]); /* ends a spawner that is there */
		return -errnum;
	}
	spawner->socket = ends[0];
	if (spawner->loop)
		watch(spawner);
	return 0;
}

/* Of the kind that the start needs. */
static int *next_leash(struct spawner *spawner)
{
	return &spawner->next_leash[spawner->kind];
}

/* For a few seconds at most. */
static bool wait_for_end(const struct spawner *spawner)
{
	struct pollfd end = {.fd = spawner->pidfd, .events = POLLIN};
	int rc;

	while ((rc = poll(&end, 1, PATIENCE_S * 1000)) < 0 && errno == EINTR)
		continue;
	return rc > 0;
}

/* Killed or, by who may not kill it, left alone until it ends. One that is root and hangs is left
 * behind: nobody is served by waiting for it. */
static void bury(struct spawner *spawner)
{
	siginfo_t info;

	if (spawner->loop)
		loop_io_want(&spawner->watcher, false, false);
	for (size_t kind = 0; kind < KEEPER_KINDS; kind++)
		fd_close(&spawner->next_leash[kind]);
	fd_close(&spawner->socket);
	syscall(SYS_pidfd_send_signal, spawner->pidfd, SIGKILL, NULL, 0);
	if (wait_for_end(spawner))
		waitid(P_PIDFD, (id_t)spawner->pidfd, &info, WEXITED);
	fd_close(&spawner->pidfd);
}

static bool has_hung_up(const struct spawner *spawner)
{
	struct pollfd peer = {.fd = spawner->socket};

	return poll(&peer, 1, 0) > 0;
}

/* One that can't be replaced is kept as long as it is there: perhaps it was only the keeper. */
static void lose(struct spawner *spawner, const char *why)
{
	bool is_lost = spawner_is_guard(&spawner->duty);

	if (is_lost && !has_hung_up(spawner)) {
		fd_close(next_leash(spawner));
		return;
	}
	bury(spawner);
	log_event(spawner->log, LOG_ERROR, "spawner.died", is_lost ? WAS_LOST : why,
		  LOG_INT("code", is_lost ? ERR_SPAWNER_LOST : ERR_SPAWNER));
}

/* It never says anything. */
static void on_socket_ready(void *user, bool readable, bool writable)
{
	lose(user, WAS_KILLED);
}

struct spawner *spawner_new(const struct spawner_duty *duty, struct err *err)
{
	struct spawner *spawner = mem_new(struct spawner);
	int rc;

	spawner->duty = *duty;
	spawner->socket = spawner->pidfd = -1;
	spawner->is_root = geteuid() == 0 && (!duty->host.is_other || duty->stays_root);
	for (size_t kind = 0; kind < KEEPER_KINDS; kind++)
		spawner->next_leash[kind] = -1;
	rc = launch(spawner);
	if (rc == 0)
		rc = ask_for_keeper(spawner);
	if (rc == 0)
		return spawner;
	if (spawner->socket >= 0)
		bury(spawner);
	err_set_errno(err, ERR_SPAWNER, -rc, "the spawner can't be started");
	free(spawner);
	return NULL;
}

bool spawner_is_root(const struct spawner *spawner)
{
	return spawner->is_root;
}

void spawner_watch(struct spawner *spawner, struct loop *loop, struct log *log)
{
	spawner->loop = loop;
	spawner->log = log;
	if (spawner->socket >= 0)
		watch(spawner);
}

void spawner_free(struct spawner *spawner)
{
	if (!spawner)
		return;
	if (spawner->socket >= 0) {
		if (spawner->loop)
			loop_io_want(&spawner->watcher, false, false);
		fd_close(&spawner->socket);
		wait_for_end(spawner);
		bury(spawner);
	}
	free(spawner);
}

/* ---- starts ---- */

/* The end that a keeper is about to hold goes to the spawner; ours is next_leash(). */
static int ask_for_keeper(struct spawner *spawner)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int ends[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	rc = fdpass_send(spawner->socket, &requests[spawner->kind], 1, &ends[1], 1);
	fd_close(&ends[1]);
	if (rc < 0)
		fd_close(&ends[0]);
	*next_leash(spawner) = ends[0];
	return rc;
}

/* To a keeper that waits, on next_leash(). */
static int send_plan(struct spawner *spawner, const struct spawn_plan *plan)
{
	int rc = spawner->socket < 0 ? launch(spawner) : 0;

	if (rc == 0 && *next_leash(spawner) < 0)
		rc = ask_for_keeper(spawner);
	return rc < 0 ? rc : leash_send_plan(*next_leash(spawner), plan);
}

/* A caged keeper has another number for it than we do. */
static pid_t pid_of(int pidfd, pid_t otherwise)
{
	char *path = mem_printf("/proc/self/fdinfo/%d", pidfd);
	FILE *file = fopen(path, "re");
	char line[128];
	pid_t pid = otherwise;

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "Pid: %d", &pid) != 1)
		continue;
	if (file)
		fclose(file);
	free(path);
	return pid;
}

static int hear_of_start(struct spawner *spawner, struct spawn_result *out)
{
	struct leash_news news;
	int rc = leash_recv_news(*next_leash(spawner), &news, &out->pidfd);

	if (rc == -EAGAIN)
		return -ETIMEDOUT;
	if (rc <= 0)
		return rc < 0 ? rc : -EPIPE;
	if (news.kind == LEASH_FAILED) {
		out->failed_step = news.failed;
		out->failed_wall = news.failed_wall;
		return -news.errnum;
	}
	out->pid = spawner->kind == KEEPER_CAGED ? pid_of(out->pidfd, news.pid) : news.pid;
	out->report = news.report;
	return out->pidfd >= 0 ? 0 : -EMFILE;
}

/* -EPIPE when nobody is there: the spawner was killed, or the keeper that waited. */
static int try_start(struct spawner *spawner, const struct spawn_plan *plan,
		     struct spawn_result *out)
{
	int rc;

	*out = (struct spawn_result){
		.pid = -1, .pidfd = -1, .failed_step = SPAWN_KEEPER, .notify_fd = -1};
	rc = send_plan(spawner, plan);
	if (rc == -E2BIG)
		out->failed_step = SPAWN_EXEC; /* which would say so too */
	if (rc == 0 || (rc == -EPIPE && *next_leash(spawner) >= 0))
		rc = hear_of_start(spawner, out); /* also why there is no keeper */
	if (rc == -EPIPE)
		lose(spawner, WAS_KILLED);
	if (rc == -ETIMEDOUT)
		lose(spawner, "the spawner does not answer and was killed");
	return rc;
}

/* While the plugin greets. What goes wrong here is the next start's to see. */
static void prepare_next(struct spawner *spawner)
{
	if (spawner->socket >= 0 && *next_leash(spawner) < 0 && ask_for_keeper(spawner) == -EPIPE)
		lose(spawner, WAS_KILLED);
}

int spawner_start(struct spawner *spawner, const struct spawn_plan *plan, struct spawn_result *out,
		  int *leash_out)
{
	int rc;

	spawner->kind = cage_wants_keeper_caged(plan->cage) ? KEEPER_CAGED : KEEPER_PLAIN;
	rc = try_start(spawner, plan, out);
	if (rc == -EPIPE)
		rc = try_start(spawner, plan, out);
	if (rc == 0) {
		*leash_out = *next_leash(spawner);
		*next_leash(spawner) = -1;
	}
	if (rc < 0)
		fd_close(next_leash(spawner));
	prepare_next(spawner);
	return rc;
}
