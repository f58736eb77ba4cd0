/* A directory of files, and the only way into it.
 *
 * What a name leads to is decided by the kernel in one step (openat2): nothing outside of the
 * directory, whatever symbolic links say and whoever turns them meanwhile; no magic links of /proc.
 * The directory is held open, so that it stays the same one until the configuration is loaded
 * again. Only regular files are served: what was opened is looked at, not its name. A pipe or a
 * device doesn't block, because it is opened without waiting. Owns the descriptor. Called by
 * lead_static.c, routes.c and static_files.c; it fails with an errno. */
#include "edge/static_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"

/* Looked at again when a directory on the way was renamed meanwhile. */
#define RACES_MAX 8

int static_root_open(const struct static_opts *opts, struct static_root *out, struct err *err)
{
	int fd = open(opts->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, ERR_STATIC_DIRECTORY, errno, "%s can't be opened",
				     opts->directory);
	if (faccessat(fd, ".", X_OK, AT_EACCESS) < 0) {
		err_set_errno(err, ERR_STATIC_DIRECTORY, errno,
			      "%s can't be entered by the user of plugd", opts->directory);
		fd_close(&fd);
		return -EACCES;
	}
	*out = (struct static_root){opts, fd};
	return 0;
}

void static_root_close(struct static_root *root)
{
	fd_close(&root->fd);
}

static int open_below(const struct static_root *root, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	if (root->opts->symlinks == STATIC_SYMLINKS_REFUSE)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	for (int i = 0; i < RACES_MAX; i++) {
		fd = (int)syscall(SYS_openat2, root->fd, name, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

static enum static_found why_not(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ENXIO:  /* a socket, or a device that is not there */
	case ENODEV: /* likewise */
	case EINVAL:
		return STATIC_NOTHING;
	case EXDEV:
	case ELOOP:
		return STATIC_ESCAPE;
	default:
		return STATIC_FAILED;
	}
}

enum static_found static_root_find(const struct static_root *root, const char *name,
				   struct static_file *out)
{
	int fd = open_below(root, name);
	struct stat status;
	enum static_found found;

	if (fd < 0)
		return why_not(errno);
	if (fstat(fd, &status) < 0)
		found = STATIC_FAILED;
	else if (S_ISREG(status.st_mode))
		found = STATIC_FILE;
	else
		found = S_ISDIR(status.st_mode) ? STATIC_DIRECTORY : STATIC_NOTHING;
	if (found != STATIC_FILE) {
		fd_close(&fd);
		return found;
	}
	*out = (struct static_file){
		.fd = fd,
		.size = (uint64_t)status.st_size,
		.modified_s = status.st_mtim.tv_sec,
		.modified_ns = status.st_mtim.tv_nsec,
		.inode = status.st_ino,
	};
	return STATIC_FILE;
}
