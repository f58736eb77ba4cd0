/* Owners and modes along a path. Goes down from / one name at a time, never through a symbolic
 * link, so that what is looked at is what was stepped through; at the end it must have come to the
 * very file that is open already. Owns one descriptor at a time, and fails with a sentence that
 * names the file or directory and the remedy. */
#include "trust/owners.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "observe/errors.h"

#define WRITABLE (S_IWGRP | S_IWOTH)
#define REMEDY	 "or set whitelist.require_safe_modes: false"

/* `path`: as much of the real path as was gone. */
static int check_one(const struct stat *status, struct str path, struct err *err)
{
	bool is_sticky = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX);

	if (status->st_uid != 0 && status->st_uid != geteuid()) {
		err_set(err, ERR_EXECUTABLE_EXPOSED,
			"'%.*s' belongs to the user %u, who could change what runs; chown it to "
			"root or to the user of plugd, %u, " REMEDY,
			STR_ARG(path), status->st_uid, geteuid());
		return -EACCES;
	}
	if ((status->st_mode & WRITABLE) && !is_sticky) {
		err_set(err, ERR_EXECUTABLE_EXPOSED,
			"'%.*s' may be written by %s (its mode is %04o); chmod go-w, " REMEDY,
			STR_ARG(path), status->st_mode & S_IWOTH ? "everybody" : "its group",
			status->st_mode & 07777);
		return -EACCES;
	}
	return 0;
}

/* Opens the next name below *fd in its place. */
static int step(int *fd, struct str name)
{
	char text[NAME_MAX + 1];
	int next;

	if (name.len > NAME_MAX)
		return -ENAMETOOLONG;
	str_copy(text, sizeof(text), name);
	next = openat(*fd, text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return -errno;
	fd_close(fd);
	*fd = next;
	return 0;
}

static int check_steps(int *fd, const char *real, struct stat *last, struct err *err)
{
	const char *at = real;
	int r;

	while (*at == '/') {
		size_t len = strcspn(at + 1, "/");

		if (fstat(*fd, last) < 0)
			return err_set_errno(err, ERR_EXECUTABLE_EXPOSED, errno, "'%s'", real);
		r = check_one(last, (struct str){real, at == real ? 1 : (size_t)(at - real)}, err);
		if (r < 0)
			return r;
		r = step(fd, (struct str){at + 1, len});
		if (r < 0)
			return err_set_errno(err, ERR_EXECUTABLE_EXPOSED, -r,
					     "the way to '%s' can't be followed", real);
		at += 1 + len;
	}
	if (fstat(*fd, last) < 0)
		return err_set_errno(err, ERR_EXECUTABLE_EXPOSED, errno, "'%s'", real);
	return check_one(last, str_from(real), err);
}

int owners_check(int place, const char *real, struct err *err)
{
	struct stat opened;
	struct stat found;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0 || fstat(place, &opened) < 0) {
		r = err_set_errno(err, ERR_EXECUTABLE_EXPOSED, errno, "'%s'", real);
		fd_close(&fd);
		return r;
	}
	r = check_steps(&fd, real, &found, err);
	fd_close(&fd);
	if (r == 0 && (found.st_dev != opened.st_dev || found.st_ino != opened.st_ino)) {
		err_set(err, ERR_EXECUTABLE_EXPOSED, "'%s' was replaced while it was looked at",
			real);
		return -EACCES;
	}
	return r;
}
