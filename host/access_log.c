/* The file of the access log.
 *
 * Owns the descriptor, and a log (observe/log) that writes to it at the end of each turn, which
 * never blocks the loop: a pipe whose reader is slow, or a disk that is full, costs lines, which
 * are counted. The first that fails is told in the host's own log. A file that is to be used is
 * opened beside the one that is, so that a reload can still be refused. host.c and reload.c call
 * it. */
#include "access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

struct access_log {
	struct loop *loop;
	struct log *main;
	struct log *file; /* NULL: there is none */
	int fd;
	char *path;
	struct log *next; /* those that are prepared */
	int next_fd;
	char *next_path;
	uint64_t lost; /* in files before this one */
};

struct access_log *access_log_new(struct loop *loop, struct log *log)
{
	struct access_log *access = mem_new(struct access_log);

	access->loop = loop;
	access->main = log;
	access->fd = access->next_fd = -1;
	return access;
}

static void close_file(struct log **log, int *fd, char **path)
{
	log_free(*log);
	*log = NULL;
	if (*fd >= 0)
		fd_close(fd);
	free(*path);
	*path = NULL;
}

void access_log_free(struct access_log *access)
{
	if (!access)
		return;
	close_file(&access->next, &access->next_fd, &access->next_path);
	close_file(&access->file, &access->fd, &access->path);
	free(access);
}

/* ---- opening ---- */

/* Not to wait for a pipe's reader; afterwards observe/log asks before it writes. */
#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int open_path(const char *path, struct err *err)
{
	int fd = open(path, OPEN_FLAGS);

	if (fd < 0 && errno == ENOENT) {
		fd = open(path, OPEN_FLAGS | O_CREAT | O_EXCL, 0640);
		/* The umask has no say: 0640 is meant, so that a group can read it. */
		if (fd >= 0)
			fchmod(fd, 0640);
	}
	if (fd < 0) {
		err_set_errno(err, ERR_ACCESS_LOG, errno, "log.access_file: can't write to %s",
			      path);
		return -1;
	}
	return fd;
}

static void on_fail(void *user, int errnum)
{
	const struct access_log *access = user;
	struct err err = {0};

	err_set_errno(&err, ERR_ACCESS_LOG, errnum,
		      "can't write to the access log; lines are lost until it can");
	log_event(access->main, LOG_ERROR, "access_log.failed", err.text,
		  LOG_STR("file", access->path ? access->path : access->next_path),
		  LOG_INT("code", err.code));
}

int access_log_prepare(struct access_log *access, const struct config *config, struct err *err)
{
	const char *path = config->edge.access.file;

	close_file(&access->next, &access->next_fd, &access->next_path);
	if (!path)
		return 0;
	access->next_fd = open_path(path, err);
	if (access->next_fd < 0)
		return -EACCES;
	access->next_path = mem_strdup(path);
	access->next = log_new(&(struct log_opts){.fd = access->next_fd,
						  .level = LOG_INFO,
						  .format = config->log.format,
						  .loop = access->loop,
						  .is_quiet = true,
						  .on_fail = on_fail,
						  .user = access});
	return 0;
}

void access_log_commit(struct access_log *access)
{
	access->lost += access->file ? log_lost(access->file) : 0;
	close_file(&access->file, &access->fd, &access->path);
	access->file = access->next;
	access->fd = access->next_fd;
	access->path = access->next_path;
	access->next = NULL;
	access->next_fd = -1;
	access->next_path = NULL;
}

void access_log_reopen(struct access_log *access, const struct config *config)
{
	struct err err = {0};

	if (access_log_prepare(access, config, &err) == 0)
		access_log_commit(access);
	else
		log_event(access->main, LOG_ERROR, "access_log.failed", err.text,
			  LOG_STR("file", config->edge.access.file), LOG_INT("code", err.code));
}

struct log *access_log_file(const struct access_log *access)
{
	return access->file;
}

uint64_t access_log_lost(const struct access_log *access)
{
	return access->lost + (access->file ? log_lost(access->file) : 0);
}
