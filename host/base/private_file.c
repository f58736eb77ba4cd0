/* Reads a private file, straight into memory that is locked.
 *
 * A file that others can read is private no more, and one that others can write is theirs: both
 * are refused, as ssh does with keys, so that the mistake is seen before it matters. The checks are
 * made on the descriptor that is read. Owns nothing. */
#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int check_file(const char *path, const struct stat *facts, int code, struct err *err)
{
	unsigned mode = facts->st_mode & 07777;

	if (!S_ISREG(facts->st_mode))
		return err_set(err, code, "%s is not a regular file", path);
	if (facts->st_uid != 0 && facts->st_uid != geteuid())
		return err_set(err, code,
			       "%s belongs to user %u, who is neither root nor the user that plugd "
			       "runs as (%u)",
			       path, facts->st_uid, geteuid());
	if (mode & S_IWGRP)
		return err_set(err, code,
			       "%s may be written by its group (mode %04o); chmod 600 it", path,
			       mode);
	if (mode & S_IRWXO)
		return err_set(err, code, "%s is open to everybody (mode %04o); chmod 600 it", path,
			       mode);
	return 0;
}

static int check_size(const char *path, const struct stat *facts, size_t max_bytes, int code,
		      struct err *err)
{
	if (facts->st_size == 0)
		return err_set(err, code, "%s is empty", path);
	if ((uint64_t)facts->st_size > max_bytes)
		return err_set(err, code, "%s has more than %zu KiB", path, max_bytes >> 10);
	return 0;
}

/* Of exactly the size that was checked. */
static int read_whole(int fd, const char *path, size_t bytes, int code, struct secret *out,
		      struct err *err)
{
	uint8_t beyond;
	int r;

	*out = secret_alloc(bytes);
	r = fd_read_all(fd, out->data, bytes);
	if (r == 0 && read(fd, &beyond, 1) != 0)
		r = -EBUSY;
	if (r == 0)
		return 0;
	secret_free(out);
	if (r == -EBUSY || r == -ENODATA)
		return err_set(err, code, "%s changed while it was read", path);
	return err_set_errno(err, code, -r, "reading %s", path);
}

/* Not blocking: a FIFO must not hold the host up before it is seen for what it is. */
int private_file_read(const char *path, size_t max_bytes, const struct private_file_codes *codes,
		      struct secret *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat facts;
	int r;

	if (fd < 0 && errno == EACCES)
		return err_set(
			err, codes->missing,
			"%s can't be read by user %u, as which plugd runs; chown it to that user, "
			"and let it into the directories",
			path, geteuid());
	if (fd < 0)
		return err_set_errno(err, codes->missing, errno, "%s", path);
	if (fstat(fd, &facts) < 0)
		r = err_set_errno(err, codes->missing, errno, "%s", path);
	else
		r = check_file(path, &facts, codes->unsafe, err);
	if (r == 0)
		r = check_size(path, &facts, max_bytes, codes->size, err);
	if (r == 0)
		r = read_whole(fd, path, (size_t)facts.st_size, codes->missing, out, err);
	fd_close(&fd);
	return r;
}
