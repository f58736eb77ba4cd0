/* A whole file into memory, for payloads and configurations that people name on the command
 * line. */
#include "slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"

static int read_all(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
	int r = fd_read_to_end(fd, max, out);

	if (r == -EFBIG)
		return err_set(err, ERR_CONFIG_FILE, "%s has more than %zu bytes", name, max);
	return r < 0 ? err_set_errno(err, ERR_CONFIG_FILE, -r, "%s", name) : 0;
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
