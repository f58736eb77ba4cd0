/* The end of whatever is left. The spawner and the keepers call it. The kernel tells who our
 * children are. Two kinds get away: all, where there is no /proc; and a child that has become
 * another user by a set-user-ID program, which we may not kill. */
#include "plugin/orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>

/* Of the only thread. */
#define CHILDREN_FILE "/proc/thread-self/children"

static bool is_known(pid_t pid, const pid_t *known, size_t known_count)
{
	for (size_t i = 0; i < known_count; i++) {
		if (known[i] == pid)
			return true;
	}
	return false;
}

/* The first process of a namespace: whoever else is in it is ours, and of what /proc shows, the
 * numbers are not ours. */
static int kill_namespace(void)
{
	return kill(-1, SIGKILL) == 0;
}

int orphans_kill(const pid_t *known, size_t known_count)
{
	FILE *children;
	int killed = 0;
	pid_t pid;

	if (getpid() == 1)
		return kill_namespace();
	children = fopen(CHILDREN_FILE, "re");
	if (!children)
		return -errno;
	while (fscanf(children, "%d", &pid) == 1) {
		if (!is_known(pid, known, known_count))
			killed += kill(pid, SIGKILL) == 0;
	}
	fclose(children);
	return killed;
}

/* How many have ended and are reaped now, or -1 when no child is left; may wait for one. */
static int reap_ended(bool wait_for_first)
{
	int options = wait_for_first ? 0 : WNOHANG;
	int reaped = 0;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, options)) > 0 || (pid < 0 && errno == EINTR)) {
		options = pid > 0 ? WNOHANG : options;
		reaped += pid > 0;
	}
	return pid < 0 ? -1 : reaped;
}

/* It waits only after a child has been killed. The list is whole: only we take entries off it, and
 * what is added later comes with the end of a child, which makes another round. No round at all for
 * those who left nothing behind, which are most. */
void orphans_kill_all(void)
{
	int reaped = reap_ended(false);

	while (reaped >= 0) {
		int killed = orphans_kill(NULL, 0);

		reaped = reap_ended(killed > 0);
		if (reaped == 0)
			return; /* none that we can kill */
	}
}
