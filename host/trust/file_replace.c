/* Writers take turns by a lock on the directory and rename a finished file over the old one. The
 * temporary file is removed when anything fails. Used for the whitelist, its signature and the
 * serial that is remembered; callers say the sentence. */
#include "trust/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

int file_lock_directory(const char *file)
{
	char *copy = mem_strdup(file);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd;

	free(copy);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		rc = -errno;
		fd_close(&fd);
	}
	return rc;
}

static int write_temporary(int fd, const char *file, struct str text, unsigned mode)
{
	struct stat old;
	bool replaces = stat(file, &old) == 0;
	int rc = fd_write_all(fd, text.data, text.len);

	if (rc < 0)
		return rc;
	/* Only root can keep a foreign owner; anybody else becomes it, as an editor would. */
	if (replaces && fchown(fd, old.st_uid, old.st_gid) < 0 && errno != EPERM)
		return -errno;
	if (fchmod(fd, replaces ? old.st_mode & 0777 : mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int file_replace(const char *file, int directory, struct str text, unsigned mode)
{
	char *temporary = mem_printf("%s.XXXXXX", file);
	int fd = mkostemp(temporary, O_CLOEXEC);
	int rc = fd < 0 ? -errno : write_temporary(fd, file, text, mode);

	if (rc == 0 && rename(temporary, file) < 0)
		rc = -errno;
	if (rc == 0 && fsync(directory) < 0)
		rc = -errno;
	else if (rc < 0 && fd >= 0)
		unlink(temporary);
	fd_close(&fd);
	free(temporary);
	return rc;
}

int file_write(const char *file, struct str text, unsigned mode)
{
	int directory = file_lock_directory(file);
	int rc = directory;

	if (directory < 0)
		return rc;
	rc = file_replace(file, directory, text, mode);
	close(directory);
	return rc;
}
