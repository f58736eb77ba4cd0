/* The descriptors of the protocol. plug_serve() opens the guard before any code of the author runs:
 * from then on a printf is a line for the log, a read of stdin finds its end, and no child of the
 * plugin can reach the protocol. Owns the two moved descriptors. */
#include "sdk/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Above what scripts and shells use by number. */
#define GUARD_LOWEST 10

/* A copy that children don't inherit and that never makes us wait. */
static int guard_move(int fd, int *flags_out)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, GUARD_LOWEST);

	if (moved < 0)
		return -errno;
	*flags_out = fcntl(moved, F_GETFL);
	if (*flags_out < 0 || fcntl(moved, F_SETFL, *flags_out | O_NONBLOCK) < 0) {
		int error = errno;

		close(moved);
		return -error;
	}
	return moved;
}

/* Others may share the open file (a shell's pipeline): they get it back as it was. */
static void guard_drop(int *fd, int flags)
{
	if (*fd < 0)
		return;
	(void)fcntl(*fd, F_SETFL, flags);
	close(*fd);
	*fd = -1;
}

/* A host that is gone is EPIPE, not the end of the process. Somebody's own handler stays. */
static bool guard_ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
		return false;
	action.sa_handler = SIG_IGN;
	return sigaction(SIGPIPE, &action, NULL) == 0;
}

static int guard_replace(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int result = 0;

	if (null < 0)
		return -errno;
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0)
		result = -errno;
	if (result == 0 && (dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
		result = -errno;
	if (null > STDERR_FILENO)
		close(null);
	return result;
}

int guard_open(struct guard *guard)
{
	int result;

	*guard = (struct guard){.in = -1, .out = -1};
	guard->in = guard_move(STDIN_FILENO, &guard->in_flags);
	if (guard->in < 0)
		return guard->in;
	guard->out = guard_move(STDOUT_FILENO, &guard->out_flags);
	result = guard->out < 0 ? guard->out : guard_replace();
	if (result < 0) {
		guard_close(guard);
		return result;
	}
	/* What the program printed before is not for the protocol either. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	guard->pipe_signal = guard_ignore_sigpipe();
	return 0;
}

void guard_close(struct guard *guard)
{
	guard_drop(&guard->in, guard->in_flags);
	guard_drop(&guard->out, guard->out_flags);
	if (guard->pipe_signal)
		(void)signal(SIGPIPE, SIG_DFL);
	guard->pipe_signal = false;
}
