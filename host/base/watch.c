/* A file that somebody may replace while we run.
 *
 * Owns an inotify descriptor on the file's directory, because a file that is replaced takes its
 * watches along. What happened there is not read from the events, only that something did: then the
 * file is looked at, until two looks see the same. A file that is missing is not told. */
#include "base/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE)

/* What tells one file from another, and from itself before it was written. */
struct look {
	dev_t device;
	ino_t inode; /* 0: there is none */
	off_t bytes;
	struct timespec written;
};

struct watch {
	char *path;
	int fd;
	struct loop_io io;
	struct loop_timer settle;
	struct look seen;
	bool is_new; /* what was seen has not been told */
	void (*on_change)(void *user);
	void *user;
};

static struct look look_at(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct look){0};
	return (struct look){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
	       a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

static void on_settle_due(void *user)
{
	struct watch *watch = user;
	struct look now = look_at(watch->path);

	if (!is_same(&now, &watch->seen)) {
		watch->seen = now;
		watch->is_new = true;
		loop_timer_start(&watch->settle, WATCH_SETTLE_MS);
	} else if (watch->is_new && now.inode != 0) {
		watch->is_new = false;
		watch->on_change(watch->user);
	}
}

static void on_events(void *user, bool readable, bool writable)
{
	struct watch *watch = user;
	char events[4096];

	while (read(watch->fd, events, sizeof(events)) > 0)
		;
	if (!loop_timer_is_active(&watch->settle))
		loop_timer_start(&watch->settle, WATCH_SETTLE_MS);
}

/* Returns owned. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return mem_strndup((struct str){path, slash == path ? 1 : (size_t)(slash - path)});
}

static int watch_directory(int fd, const char *path)
{
	char *directory = directory_of(path);
	int r = inotify_add_watch(fd, directory, EVENTS);

	free(directory);
	return r;
}

struct watch *watch_start(struct loop *loop, const char *path, void (*on_change)(void *user),
			  void *user)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *watch;

	if (fd < 0)
		return NULL;
	if (watch_directory(fd, path) < 0) {
		int errnum = errno;

		fd_close(&fd);
		errno = errnum;
		return NULL;
	}
	watch = mem_new(struct watch);
	watch->path = mem_strdup(path);
	watch->fd = fd;
	watch->seen = look_at(path);
	watch->on_change = on_change;
	watch->user = user;
	loop_io_init(&watch->io, loop, fd, on_events, watch);
	loop_timer_init(&watch->settle, loop, on_settle_due, watch);
	loop_io_want(&watch->io, true, false);
	return watch;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	loop_io_want(&watch->io, false, false);
	loop_timer_stop(&watch->settle);
	fd_close(&watch->fd);
	free(watch->path);
	free(watch);
}
