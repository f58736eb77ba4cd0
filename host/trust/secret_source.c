/* Reads a secret, straight into memory that is locked.
 *
 * A file that others can read is no secret any more, and one that others can write is theirs: both
 * are refused, as ssh does with keys, so that the mistake is seen before it matters. The checks are
 * made on the descriptor that is read. Owns nothing. Called by plugin/secrets. */
#include "trust/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define CREDENTIALS_VARIABLE "CREDENTIALS_DIRECTORY"

static int check_size(const char *what, uint64_t bytes, struct err *err)
{
	if (bytes == 0)
		return err_set(err, ERR_SECRET_SIZE, "%s is empty", what);
	if (bytes > SECRET_MAX_BYTES)
		return err_set(err, ERR_SECRET_SIZE, "%s has more than 64 KiB", what);
	return 0;
}

static int check_file(const char *path, const struct stat *facts, struct err *err)
{
	unsigned mode = facts->st_mode & 07777;

	if (!S_ISREG(facts->st_mode))
		return err_set(err, ERR_SECRET_UNSAFE, "%s is not a regular file", path);
	if (facts->st_uid != 0 && facts->st_uid != geteuid())
		return err_set(err, ERR_SECRET_UNSAFE,
			       "%s belongs to user %u, who is neither root nor the user that plugd "
			       "runs as (%u)",
			       path, facts->st_uid, geteuid());
	if (mode & S_IWGRP)
		return err_set(err, ERR_SECRET_UNSAFE,
			       "%s may be written by its group (mode %04o); chmod 600 it", path,
			       mode);
	if (mode & S_IRWXO)
		return err_set(err, ERR_SECRET_UNSAFE,
			       "%s is open to everybody (mode %04o); chmod 600 it", path, mode);
	return check_size(path, (uint64_t)facts->st_size, err);
}

/* Of exactly the size that was checked. */
static int read_whole(int fd, const char *path, size_t bytes, struct secret *out, struct err *err)
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
		return err_set(err, ERR_SECRET_MISSING, "%s changed while it was read", path);
	return err_set_errno(err, ERR_SECRET_MISSING, -r, "reading %s", path);
}

/* Not blocking: a FIFO must not hold the host up before it is seen for what it is. */
static int read_file(const char *path, struct secret *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat facts;
	int r;

	if (fd < 0 && errno == EACCES)
		return err_set(
			err, ERR_SECRET_MISSING,
			"%s can't be read by user %u, as which plugd runs; chown it to that user, "
			"and let it into the directories",
			path, geteuid());
	if (fd < 0)
		return err_set_errno(err, ERR_SECRET_MISSING, errno, "%s", path);
	if (fstat(fd, &facts) < 0)
		r = err_set_errno(err, ERR_SECRET_MISSING, errno, "%s", path);
	else
		r = check_file(path, &facts, err);
	if (r == 0)
		r = read_whole(fd, path, (size_t)facts.st_size, out, err);
	fd_close(&fd);
	return r;
}

static int read_variable(const char *name, struct secret *out, struct err *err)
{
	const char *value = getenv(name);
	char *what;
	int r;

	if (!value)
		return err_set(err, ERR_SECRET_MISSING,
			       "the environment of plugd has no variable %s", name);
	what = mem_printf("the variable %s of plugd's environment", name);
	r = check_size(what, strlen(value), err);
	free(what);
	if (r < 0)
		return r;
	*out = secret_alloc(strlen(value));
	memcpy(out->data, value, out->len);
	return 0;
}

static int read_credential(const char *name, struct secret *out, struct err *err)
{
	const char *directory = getenv(CREDENTIALS_VARIABLE);
	char *path;
	int r;

	if (!directory || directory[0] != '/')
		return err_set(err, ERR_SECRET_MISSING,
			       "there is no credential %s: " CREDENTIALS_VARIABLE
			       " is not set, because plugd was not started by systemd with "
			       "LoadCredential= or SetCredential=",
			       name);
	path = mem_printf("%s/%s", directory, name);
	r = read_file(path, out, err);
	free(path);
	return r;
}

int secret_source_read(const char *source, struct secret *out, struct err *err)
{
	static const struct {
		const char *kind;
		int (*read)(const char *rest, struct secret *out, struct err *err);
	} kinds[] = {
		{"file:", read_file}, {"env:", read_variable}, {"credential:", read_credential}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].kind);

		if (strncmp(source, kinds[i].kind, len) == 0)
			return kinds[i].read(source + len, out, err);
	}
	return err_set(err, ERR_SECRET_MISSING, "\"%s\" is no source of a secret", source);
}
