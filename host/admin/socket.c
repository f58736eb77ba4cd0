/* The admin socket as a file.
 *
 * The mode: bind() takes the umask into account, so the umask is 0177 for that one call; a chmod()
 * afterwards would leave a moment in which others may connect. The stale socket: a host that was
 * killed leaves its file; nobody listens on it, which connect() tells. Two hosts that start at once
 * must not both find it stale, so looking and binding happen under a lock on the directory, which
 * leaves no file behind. Called by control.c at start and stop. */
#include "admin/socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
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
#include "observe/errors.h"

#define BACKLOG		16
#define LOCK_TRIES	100
#define LOCK_PAUSE_NS	10000000L
#define ONLY_OWNER_MASK 0177

static int address_of(const char *path, struct sockaddr_un *out, struct err *err)
{
	size_t len = strlen(path);

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len == 0 || len >= sizeof(out->sun_path))
		return err_set(err, ERR_ADMIN_SOCKET,
			       "the path \"%s\" has %zu bytes; a socket's has 1 to %zu", path, len,
			       sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, len + 1);
	return 0;
}

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
static int lock_directory(const char *path, struct err *err)
{
	char *name = directory_of(path);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : wait_for_lock(fd);

	if (r < 0) {
		err_set_errno(err, ERR_ADMIN_SOCKET, -r, "the directory %s of the admin socket",
			      name);
		fd_close(&fd);
	}
	free(name);
	return r < 0 ? r : fd;
}

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

static int remove_stale(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : err_set_errno(err, ERR_ADMIN_SOCKET, errno, "%s", path);
	if (!S_ISSOCK(st.st_mode)) {
		err_set(err, ERR_ADMIN_SOCKET, "%s exists and is not a socket", path);
		return -EEXIST;
	}
	r = probe(address);
	if (r == 0) {
		err_set(err, ERR_ADMIN_SOCKET, "another host listens on %s", path);
		return -EADDRINUSE;
	}
	if (r != -ECONNREFUSED || unlink(path) < 0)
		return err_set_errno(err, ERR_ADMIN_SOCKET, r != -ECONNREFUSED ? -r : errno,
				     "%s is in the way", path);
	return 0;
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(ONLY_OWNER_MASK);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(mask);
	return r;
}

static int listen_at(struct admin_socket *sock, const struct sockaddr_un *address, struct err *err)
{
	struct stat st;
	int r;

	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = sock->fd < 0 ? -errno : bind_private(sock->fd, address);
	if (r == 0 && (listen(sock->fd, BACKLOG) < 0 || lstat(address->sun_path, &st) < 0))
		r = -errno;
	if (r < 0) {
		fd_close(&sock->fd);
		return err_set_errno(err, ERR_ADMIN_SOCKET, -r, "%s", address->sun_path);
	}
	sock->path = mem_strdup(address->sun_path);
	sock->device = st.st_dev;
	sock->inode = st.st_ino;
	return 0;
}

int admin_socket_open(struct admin_socket *sock, const char *path, struct err *err)
{
	struct sockaddr_un address;
	int lock;
	int r;

	*sock = (struct admin_socket){.fd = -1};
	r = address_of(path, &address, err);
	if (r < 0)
		return r;
	lock = lock_directory(path, err);
	if (lock < 0)
		return lock;
	r = remove_stale(&address, err);
	if (r == 0)
		r = listen_at(sock, &address, err);
	fd_close(&lock);
	return r;
}

void admin_socket_close(struct admin_socket *sock)
{
	struct stat st;

	if (sock->fd < 0)
		return;
	if (lstat(sock->path, &st) == 0 && st.st_dev == sock->device && st.st_ino == sock->inode)
		unlink(sock->path);
	fd_close(&sock->fd);
	free(sock->path);
	sock->path = NULL;
}

bool admin_socket_caller(int fd, struct audit_actor *out)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	*out = (struct audit_actor){.uid = who.uid, .gid = who.gid, .pid = who.pid};
	return true;
}
