/* A whole file into memory, for payloads and configurations that people name on the command
 * line. */
#include "slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"

#define READ_BYTES ((size_t)64 << 10)

static int read_all(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
	ssize_t got;

	do {
		got = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (got > 0)
			buf_commit(out, (size_t)got);
	} while ((got > 0 || (got < 0 && errno == EINTR)) && buf_len(out) <= max);
	if (got < 0)
		return err_set_errno(err, ERR_CONFIG_FILE, errno, "%s", name);
	if (buf_len(out) > max)
		return err_set(err, ERR_CONFIG_FILE, "%s has more than %zu bytes", name, max);
	return 0;
}

int slurp(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd;
	int r;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", max, out, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_CONFIG_FILE, errno, "%s", path);
	r = read_all(fd, path, max, out, err);
	fd_close(&fd);
	return r;
}
