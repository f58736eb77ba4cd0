/* One child, from clone to exec. The keeper calls it and is the parent. The child runs on a stack
 * of its own in the parent's memory (CLONE_VM) while the parent stands still (CLONE_VFORK), so its
 * side is one straight checklist of system calls: it must not allocate, lock, log, or run code of a
 * sanitizer. Its descriptors, signals, directory and mask are its own copies. When a step fails, it
 * writes the step and errno into the plan's memory and exits; the parent sees both at once. */
#include "plugin/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"

#define STACK_BYTES   (64u << 10)
#define GUARD_BYTES   (64u << 10) /* a multiple of every page size; never touched */
#define FIRST_FREE_FD 10	  /* descriptors that are moved out of the way go there */
#define LAST_SIGNAL   64
#define EXIT_NOT_RUN  127
#define CHILD_SIDE    __attribute__((no_sanitize("address", "undefined"), noinline))

struct child {
	struct spawn_plan plan; /* a copy that the child may change */
	pid_t parent;
	int notify_sockets[2]; /* the parent's end and the child's; -1: none */
	struct cage_report report;
	enum wall failed_wall;
	/* volatile: written by another process in this memory */
	volatile enum spawn_step step;
	volatile int errnum; /* 0: nothing has failed */
};

/* ---- the child's side ---- */

CHILD_SIDE static void __attribute__((noreturn)) child_fail(struct child *child)
{
	child->errnum = errno;
	for (;;)
		syscall(SYS_exit_group, EXIT_NOT_RUN);
}

CHILD_SIDE static void child_check(struct child *child, long rc)
{
	if (rc < 0)
		child_fail(child);
}

/* A descriptor that would be overwritten by the ones to come moves up. */
CHILD_SIDE static void child_move_up(struct child *child, int *fd)
{
	if (*fd < 0 || *fd >= FIRST_FREE_FD)
		return;
	*fd = (int)syscall(SYS_fcntl, *fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	child_check(child, *fd);
}

CHILD_SIDE static void child_set_descriptors(struct child *child)
{
	struct spawn_plan *plan = &child->plan;
	unsigned first_closed = STDERR_FILENO + 1;

	child_move_up(child, &plan->input_fd);
	child_move_up(child, &plan->output_fd);
	child_move_up(child, &plan->error_fd);
	child_move_up(child, &plan->exec_fd);
	child_move_up(child, &plan->script_fd);
	child_move_up(child, &plan->group_fd);
	child_move_up(child, &child->notify_sockets[1]);
	child_check(child, syscall(SYS_dup3, plan->input_fd, STDIN_FILENO, 0));
	child_check(child, syscall(SYS_dup3, plan->output_fd, STDOUT_FILENO, 0));
	child_check(child, syscall(SYS_dup3, plan->error_fd, STDERR_FILENO, 0));
	if (plan->script_fd >= 0) {
		child_check(child, syscall(SYS_dup3, plan->script_fd, plan->script_target, 0));
		first_closed = (unsigned)plan->script_target + 1;
	}
	/* Closed at exec and not before: exec_fd is among them. */
	child_check(child,
		    syscall(SYS_close_range, first_closed, ~0u, (unsigned)CLOSE_RANGE_CLOEXEC));
}

/* The parent blocks everything, which would outlive exec, as would what it ignores. */
CHILD_SIDE static void child_reset_signals(struct child *child)
{
	const uint64_t none[4] = {0}; /* the kernel's sigaction: SIG_DFL, no flags, empty mask */

	for (int signum = 1; signum <= LAST_SIGNAL; signum++) {
		if (signum != SIGKILL && signum != SIGSTOP)
			child_check(child,
				    syscall(SYS_rt_sigaction, signum, none, NULL, sizeof(none[0])));
	}
	child_check(child, syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, sizeof(none[0])));
}

/* A group of its own, and no controlling terminal. A session of its own would be both in one step,
 * but where the kernel shares out the CPU among sessions (sched_autogroup), the host and its plugin
 * would then be on two sides, and each switch between them dearer: a tenth of a small call. */
CHILD_SIDE static void child_leave_group(struct child *child)
{
	long tty = syscall(SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR | O_CLOEXEC);
	bool has_none = tty < 0 ? errno == ENXIO : syscall(SYS_ioctl, tty, TIOCNOTTY, 0) == 0;

	child_check(child, has_none ? syscall(SYS_setpgid, 0, 0) : syscall(SYS_setsid));
}

/* Asked for again after the walls, because a process that becomes another user loses it. */
CHILD_SIDE static void child_die_with_parent(struct child *child)
{
	enum spawn_step step = child->step;

	child->step = SPAWN_DEATH_SIGNAL;
	child_check(child, syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
	if (syscall(SYS_getppid) != child->parent) /* it died before we asked for the signal */
		syscall(SYS_exit_group, EXIT_NOT_RUN);
	child->step = step;
}

CHILD_SIDE static void child_enter_cage(struct child *child)
{
	const struct cage *cage = child->plan.cage;
	int fd = child->plan.group_fd;
	int rc = 0;

	if (fd >= 0)
		rc = cage_enter_group(cage, fd, &child->report, &child->failed_wall);
	if (rc == 0)
		rc = cage_enter_namespaces(cage, &child->report, &child->failed_wall);
	if (rc == 0)
		rc = cage_enter_walls(cage, &child->report, &child->failed_wall);
	if (rc < 0)
		child_fail(child);
	child_die_with_parent(child);
}

CHILD_SIDE static void child_enter_filter(struct child *child)
{
	if (cage_enter_filter(child->plan.cage, child->notify_sockets[1], &child->report,
			      &child->failed_wall) < 0)
		child_fail(child);
}

CHILD_SIDE static int child_main(void *argument)
{
	static char *const empty[] = {NULL};
	struct child *child = argument;
	struct spawn_plan *plan = &child->plan;

	child->step = SPAWN_GROUP;
	child_leave_group(child);
	child_die_with_parent(child);

	child->step = SPAWN_DESCRIPTORS;
	child_set_descriptors(child);

	child->step = SPAWN_SIGNALS;
	child_reset_signals(child);

	child->step = SPAWN_CAGE;
	syscall(SYS_umask, 077);
	if (plan->cage)
		child_enter_cage(child);

	child->step = SPAWN_WORK_DIR; /* as the user that it has become */
	child_check(child, syscall(SYS_chdir, plan->work_dir));

	child->step = SPAWN_CAGE;
	if (plan->cage)
		child_enter_filter(child);

	child->step = SPAWN_EXEC;
	syscall(SYS_execveat, plan->exec_fd, "", plan->argv, plan->env ? plan->env : empty,
		AT_EMPTY_PATH);
	child_fail(child);
}

/* ---- the parent's side ---- */

/* A handler of the parent must not run in the child, which shares its memory: all signals wait
 * meanwhile. */
static int clone_child(struct child *child, uint8_t *stack, unsigned long namespaces,
		       struct spawn_result *out)
{
	sigset_t all;
	sigset_t before;
	int errnum;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	out->pid = clone(child_main, stack + GUARD_BYTES + STACK_BYTES,
			 (int)(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | namespaces), child,
			 &out->pidfd, NULL, NULL);
	errnum = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return out->pid < 0 ? -errnum : 0;
}

/* With its namespaces, or without, where the kernel does not grant all of them: the child tries
 * each then. */
static int clone_as_planned(struct child *child, uint8_t *stack, struct spawn_result *out)
{
	const struct cage *cage = child->plan.cage;
	unsigned long namespaces = cage ? cage_clone_flags(cage) : 0;
	int rc = -EPERM;

	if (namespaces != 0) {
		cage_note_born(cage, &child->report);
		rc = clone_child(child, stack, namespaces, out);
	}
	if (rc == 0)
		return 0;
	child->report = (struct cage_report){0};
	return clone_child(child, stack, 0, out);
}

static int reap_failed(const struct child *child, struct spawn_result *out)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)out->pidfd, &info, WEXITED) < 0 && errno == EINTR)
		continue;
	close(out->pidfd);
	out->pidfd = -1;
	out->failed_step = child->step;
	out->failed_wall = child->failed_wall;
	return -child->errnum;
}

/* What the child has sent, if it has a filter. */
static void take_notify_fd(const struct child *child, struct spawn_result *out)
{
	size_t fd_count = 1;
	char byte;

	out->report = child->report;
	if (child->report.enforced & WALL_BIT(WALL_CALLS))
		fdpass_recv(child->notify_sockets[0], &byte, sizeof(byte), &out->notify_fd,
			    &fd_count);
}

static int run_child(struct child *child, struct spawn_result *out)
{
	uint8_t *stack;
	int rc;

	stack = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	rc = mprotect(stack + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
	if (rc == 0)
		rc = clone_as_planned(child, stack, out);
	munmap(stack, GUARD_BYTES + STACK_BYTES);
	if (rc == 0 && child->errnum != 0)
		rc = reap_failed(child, out);
	return rc;
}

int spawn(const struct spawn_plan *plan, struct spawn_result *out)
{
	struct child child = {.plan = *plan, .parent = getpid(), .notify_sockets = {-1, -1}};
	int rc;

	*out = (struct spawn_result){
		.pid = -1, .pidfd = -1, .failed_step = SPAWN_CLONE, .notify_fd = -1};
	if (plan->cage &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, child.notify_sockets) < 0)
		return -errno;
	rc = run_child(&child, out);
	if (rc == 0)
		take_notify_fd(&child, out);
	fd_close(&child.notify_sockets[0]);
	fd_close(&child.notify_sockets[1]);
	return rc;
}
