/* Descriptors, and the loops around short reads and writes that nobody should write twice. The
 * whole-length verbs block: only start-up code, tools and children use them, never the running
 * host. */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 << 10)

void fd_close(int *fd)
{
	int kept = errno;

	/* Linux has given up the descriptor also when close() says EINTR: never try again. */
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = kept;
}

static int fd_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);
	if (flags < 0)
		return -errno;
	int wanted = on ? flags | flag : flags & ~flag;
	if (wanted != flags && fcntl(fd, set, wanted) < 0)
		return -errno;
	return 0;
}

int fd_set_nonblock(int fd, bool nonblock)
{
	return fd_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblock);
}

int fd_set_cloexec(int fd, bool cloexec)
{
	return fd_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, cloexec);
}

int fd_pipe(int out[2])
{
	return pipe2(out, O_CLOEXEC) < 0 ? -errno : 0;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t written = write(fd, at, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		len -= (size_t)written;
	}
	return 0;
}

int fd_read_all(int fd, void *data, size_t len)
{
	uint8_t *at = data;

	while (len > 0) {
		ssize_t got = read(fd, at, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ENODATA;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

int fd_read_to_end(int fd, size_t max, struct buf *out)
{
	while (buf_len(out) <= max) {
		ssize_t got = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		buf_commit(out, (size_t)got);
	}
	return -EFBIG;
}

int fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;

	int count = -1; /* the directory's own descriptor doesn't count */
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] != '.')
			count++;
	}
	closedir(dir);
	return count;
}
