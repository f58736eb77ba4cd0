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

/* An open file. */
struct sink {
	struct log *log; /* NULL: there is none */
	int fd;
	char *path;
	enum log_format format;
};

struct access_log {
	struct loop *loop;
	struct log *main;
	struct sink now;
	struct sink next; /* that is prepared */
	uint64_t lost;	  /* in files before this one */
};

struct access_log *access_log_new(struct loop *loop, struct log *log)
{
	struct access_log *access = mem_new(struct access_log);

	access->loop = loop;
	access->main = log;
	access->now.fd = access->next.fd = -1;
	return access;
}

static void sink_close(struct sink *sink)
{
	log_free(sink->log);
	fd_close(&sink->fd);
	free(sink->path);
	*sink = (struct sink){.fd = -1};
}

void access_log_free(struct access_log *access)
{
	if (!access)
		return;
	sink_close(&access->next);
	sink_close(&access->now);
	free(access);
}

/* ---- opening ---- */

/* Not to wait for a pipe's reader; afterwards observe/log asks before it writes. */
#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int refuse(const char *path, struct err *err)
{
	int r = err_set_errno(err, ERR_ACCESS_LOG, errno, "can't write to %s", path);

	err_about(err, path);
	return r;
}

static int open_path(const char *path, struct err *err)
{
	int fd = open(path, OPEN_FLAGS);

	if (fd < 0 && errno == ENOENT) {
		fd = open(path, OPEN_FLAGS | O_CREAT | O_EXCL, 0640);
		/* The umask has no say: 0640 is meant, so that a group can read it. */
		if (fd >= 0)
			fchmod(fd, 0640);
	}
	return fd < 0 ? refuse(path, err) : fd;
}

static bool is_makeable(const char *path)
{
	size_t len = (size_t)(strrchr(path, '/') + 1 - path);
	char *directory = mem_printf("%.*s", (int)len, path);
	bool may = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;

	free(directory);
	return may;
}

int access_log_check(const struct config *config, struct err *err)
{
	const char *path = config->edge.access.file;
	int fd = path ? open(path, OPEN_FLAGS) : -1;
	bool is_good = !path || fd >= 0 || (errno == ENOENT && is_makeable(path));

	fd_close(&fd);
	return is_good ? 0 : refuse(path, err);
}

static void on_fail(void *user, int errnum)
{
	const struct access_log *access = user;
	struct err err = {0};

	err_set_errno(&err, ERR_ACCESS_LOG, errnum,
		      "can't write to the access log; lines are lost until it can");
	log_event(access->main, LOG_ERROR, "access_log.failed", err.text,
		  LOG_STR("file", access->now.path), LOG_INT("code", err.code));
}

/* None, if path is NULL. 0, or -errno with *err. */
static int sink_open(struct access_log *access, const char *path, enum log_format format,
		     struct sink *out, struct err *err)
{
	int fd;

	*out = (struct sink){.fd = -1};
	if (!path)
		return 0;
	fd = open_path(path, err);
	if (fd < 0)
		return fd;
	out->fd = fd;
	out->path = mem_strdup(path);
	out->format = format;
	out->log = log_new(&(struct log_opts){.fd = out->fd,
					      .level = LOG_INFO,
					      .format = format,
					      .loop = access->loop,
					      .is_quiet = true,
					      .on_fail = on_fail,
					      .user = access});
	return 0;
}

/* Puts another in the place of one; takes it. */
static void replace(struct access_log *access, struct sink *sink, struct sink *other)
{
	access->lost += sink->log ? log_lost(sink->log) : 0;
	sink_close(sink);
	*sink = *other;
	*other = (struct sink){.fd = -1};
}

int access_log_prepare(struct access_log *access, const struct config *config, struct err *err)
{
	sink_close(&access->next);
	return sink_open(access, config->edge.access.file, config->log.format, &access->next, err);
}

void access_log_commit(struct access_log *access)
{
	replace(access, &access->now, &access->next);
}

void access_log_drop(struct access_log *access)
{
	sink_close(&access->next);
}

static void reopen(struct access_log *access, struct sink *sink)
{
	struct sink anew;
	struct err err = {0};

	if (sink_open(access, sink->path, sink->format, &anew, &err) == 0)
		replace(access, sink, &anew);
	else
		log_event(access->main, LOG_ERROR, "access_log.failed", err.text,
			  LOG_STR("file", sink->path), LOG_INT("code", err.code));
}

void access_log_reopen(struct access_log *access)
{
	reopen(access, &access->now);
	reopen(access, &access->next);
}

struct log *access_log_file(const struct access_log *access)
{
	return access->now.log;
}

uint64_t access_log_lost(const struct access_log *access)
{
	return access->lost + (access->now.log ? log_lost(access->now.log) : 0);
}
