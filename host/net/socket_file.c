/* A listening Unix socket as a file.
 *
 * The mode: bind() takes the umask into account, so the umask is set for that one call; a chmod()
 * afterwards would leave a moment in which others may connect. Owner and group change before
 * anybody listens, and through a descriptor of the very socket: whoever may write to the directory
 * may have put another file in its place. The stale socket: a host that was killed leaves its file;
 * nobody listens on it, which connect() tells. Two hosts that start at once must not both find it
 * stale, so looking and binding happen under a lock on the directory, which leaves no file behind.
 * admin/socket.c has one, and each entrance of a listener that is a file. */
#include "net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define LOCK_TRIES    100
#define LOCK_PAUSE_NS 10000000L
#define MODE_BITS     0777u

static int address_of(const char *path, int code, struct sockaddr_un *out, struct err *err)
{
	size_t len = strlen(path);

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len == 0 || len >= sizeof(out->sun_path))
		return err_set(err, code, "the path \"%s\" has %zu bytes; a socket's has 1 to %zu",
			       path, len, sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, len + 1);
	return 0;
}

/* ---- the lock ---- */

/* "" is the root's, "." a bare name's. Returns owned. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/")
			     : mem_strndup((struct str){path, (size_t)(slash - path)});
}

static int wait_for_lock(int fd)
{
	static const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

/* Returns a descriptor that holds the lock until it is closed, or -errno. */
static int lock_directory(const char *path, int code, struct err *err)
{
	char *name = directory_of(path);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : wait_for_lock(fd);

	if (r < 0) {
		err_set_errno(err, code, -r, "the directory %s of the socket %s", name, path);
		fd_close(&fd);
	}
	free(name);
	return r < 0 ? r : fd;
}

/* ---- what is there already ---- */

/* 0: somebody listens. -ECONNREFUSED: nobody. Else why it can't be told. */
static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0
			? -errno
			: 0;

	fd_close(&fd);
	return r == -EAGAIN ? 0 : r; /* its backlog is full: it lives */
}

static int remove_stale(const struct sockaddr_un *address, int code, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_set_errno(err, code, errno, "%s", path);
	if (!S_ISSOCK(st.st_mode)) {
		err_set(err, code, "%s exists and is not a socket", path);
		return -EEXIST;
	}
	r = probe(address);
	if (r == 0) {
		err_set(err, code, "another host listens on %s", path);
		return -EADDRINUSE;
	}
	if (r != -ECONNREFUSED || unlink(path) < 0)
		return err_set_errno(err, code, r != -ECONNREFUSED ? -r : errno, "%s is in the way",
				     path);
	return 0;
}

/* ---- the new one ---- */

static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
	mode_t mask = umask(~mode & MODE_BITS);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(mask);
	return r;
}

static int give_away(const char *path, const struct socket_file_opts *opts, struct stat *st_out)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 || fstat(fd, st_out) < 0 ? -errno : 0;

	if (r == 0 && !S_ISSOCK(st_out->st_mode))
		r = -EEXIST;
	if (r == 0 && (opts->owner != SOCKET_FILE_KEEP || opts->group != SOCKET_FILE_KEEP) &&
	    fchownat(fd, "", opts->owner, opts->group, AT_EMPTY_PATH) < 0)
		r = -errno;
	fd_close(&fd);
	return r;
}

static int listen_at(struct socket_file *file, const struct sockaddr_un *address,
		     const struct socket_file_opts *opts, struct err *err)
{
	struct stat st;
	bool is_bound;
	int r;

	file->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = file->fd < 0 ? -errno : bind_with_mode(file->fd, address, opts->mode);
	is_bound = r == 0;
	if (r == 0)
		r = give_away(address->sun_path, opts, &st);
	if (r == 0 && listen(file->fd, opts->backlog) < 0)
		r = -errno;
	if (r < 0) {
		if (is_bound)
			unlink(address->sun_path);
		fd_close(&file->fd);
		return err_set_errno(err, opts->code, -r, "%s", address->sun_path);
	}
	file->path = mem_strdup(address->sun_path);
	file->device = st.st_dev;
	file->inode = st.st_ino;
	return 0;
}

int socket_file_open(struct socket_file *file, const char *path,
		     const struct socket_file_opts *opts, struct err *err)
{
	struct sockaddr_un address;
	int lock;
	int r;

	*file = (struct socket_file){.fd = -1};
	r = address_of(path, opts->code, &address, err);
	if (r < 0)
		return r;
	lock = lock_directory(path, opts->code, err);
	if (lock < 0)
		return lock;
	r = remove_stale(&address, opts->code, err);
	if (r == 0)
		r = listen_at(file, &address, opts, err);
	fd_close(&lock);
	return r;
}

int socket_file_close(struct socket_file *file)
{
	struct stat st;
	int r = 0;

	if (!file->path)
		return 0;
	if (lstat(file->path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode &&
	    unlink(file->path) < 0)
		r = -errno;
	fd_close(&file->fd);
	free(file->path);
	file->path = NULL;
	return r;
}
