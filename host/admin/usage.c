/* What a process holds of the machine, read from /proc. Called by the views for the host and for
 * instances that are not reaped yet, so that a pid is no stranger's. Fails with "can't be told". */
#include "admin/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"

int64_t usage_rss_bytes(pid_t pid)
{
	char path[48];
	char text[128];
	ssize_t got = -1;
	char *at;
	int fd;

	if (pid == 0)
		snprintf(path, sizeof(path), "/proc/self/statm");
	else
		snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	strtoll(text, &at, 10); /* the whole address space comes first */
	return strtoll(at, NULL, 10) * sysconf(_SC_PAGESIZE);
}
