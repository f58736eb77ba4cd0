/* The whitelist as a file. The host loads it, plugctl pins and verifies. Writers take turns by a
 * lock on the directory and replace the file by renaming a finished one over it, so a reader meets
 * the old text or the new. Fails with a sentence; the file is then as it was. */
#include "trust/whitelist_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "observe/errors.h"
#include "trust/exec.h"

#define NEW_MODE   0644
#define READ_BYTES (64u << 10)

/* ---- reading ---- */

static int check_file(int fd, const char *file, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set_errno(err, ERR_WHITELIST_FILE, errno, "%s", file);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_WHITELIST_FILE, "%s: it is not a regular file", file);
	if (status.st_mode & S_IWOTH)
		return err_set(err, ERR_WHITELIST_FILE,
			       "%s: everybody may write to it, so it proves nothing; chmod o-w",
			       file);
	if (status.st_size > (off_t)YAML_MAX_BYTES)
		return err_set(err, ERR_WHITELIST_FILE, "%s: it is larger than %u MiB", file,
			       YAML_MAX_BYTES >> 20);
	return 0;
}

static int read_bytes(int fd, const char *file, struct buf *out, struct err *err)
{
	ssize_t len;

	do {
		len = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (len > 0)
			buf_commit(out, (size_t)len);
		else if (len < 0 && errno != EINTR)
			return err_set_errno(err, ERR_WHITELIST_FILE, errno, "%s", file);
	} while (len != 0 && buf_len(out) <= YAML_MAX_BYTES);
	return 0;
}

static int read_file(const char *file, struct buf *out, struct err *err)
{
	/* A FIFO must not block the host; check_file() refuses it. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_set_errno(err, ERR_WHITELIST_FILE, errno, "%s", file);
	rc = check_file(fd, file, err);
	if (rc == 0)
		rc = read_bytes(fd, file, out, err);
	close(fd);
	return rc;
}

static struct str buf_text(const struct buf *buf)
{
	return (struct str){(const char *)buf_front(buf), buf_len(buf)};
}

int whitelist_load(const char *file, struct whitelist **out, struct whitelist_problems *problems)
{
	struct buf text = {0};
	struct err err = {0};
	int rc = read_file(file, &text, &err);

	if (rc < 0) {
		problems->rows = mem_new(struct whitelist_problem);
		problems->rows[problems->count++] = (struct whitelist_problem){1, err};
	} else {
		rc = whitelist_parse(buf_text(&text), file, out, problems);
	}
	buf_deinit(&text);
	return rc;
}

/* ---- replacing ---- */

static int write_temporary(int fd, const char *file, struct str text)
{
	struct stat old;
	bool replaces = stat(file, &old) == 0;
	int rc = fd_write_all(fd, text.data, text.len);

	if (rc < 0)
		return rc;
	/* Only root can keep a foreign owner; anybody else becomes it, as an editor would. */
	if (replaces && fchown(fd, old.st_uid, old.st_gid) < 0 && errno != EPERM)
		return -errno;
	if (fchmod(fd, replaces ? old.st_mode & 0777 : NEW_MODE) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int replace_file(const char *file, int directory, struct str text)
{
	char *temporary = mem_printf("%s.XXXXXX", file);
	int fd = mkostemp(temporary, O_CLOEXEC);
	int rc = fd < 0 ? -errno : write_temporary(fd, file, text);

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

static int pin_locked(const char *file, int directory, const struct whitelist_pin *pin,
		      enum whitelist_change *change, struct err *err)
{
	struct buf old = {0};
	struct buf new = {0};
	int rc = read_file(file, &old, err);

	if (rc == -ENOENT)
		rc = 0;
	if (rc == 0)
		rc = whitelist_edit(buf_text(&old), file, pin, &new, change, err);
	if (rc == 0 && *change != WHITELIST_UNCHANGED) {
		rc = replace_file(file, directory, buf_text(&new));
		if (rc < 0)
			err_set_errno(err, ERR_WHITELIST_FILE, -rc, "%s can't be written", file);
	}
	buf_deinit(&old);
	buf_deinit(&new);
	return rc;
}

static int lock_directory(const char *file, struct err *err)
{
	char *copy = mem_strdup(file);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(copy);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		int rc = err_set_errno(err, ERR_WHITELIST_FILE, errno,
				       "the directory of %s can't be opened", file);
		fd_close(&fd);
		return rc;
	}
	return fd;
}

int whitelist_pin(const char *file, const struct whitelist_pin *pin,
		  enum whitelist_change *change_out, struct err *err)
{
	char real[PATH_MAX];
	const char *target = realpath(file, real); /* a link stays a link */
	int directory;
	int rc;

	if (!target && errno != ENOENT)
		return err_set_errno(err, ERR_WHITELIST_FILE, errno, "%s", file);
	if (!target)
		target = file;
	directory = lock_directory(target, err);
	if (directory < 0)
		return directory;
	rc = pin_locked(target, directory, pin, change_out, err);
	close(directory); /* unlocks */
	return rc;
}

/* ---- verifying ---- */

static void verify_entry(const struct whitelist *whitelist, const struct whitelist_entry *entry,
			 struct err *err)
{
	struct exec_image *image = NULL;

	if (exec_image_load(&(struct guard){.whitelist = whitelist}, entry->path,
			    entry->name ? entry->name : "", &image, err) == 0)
		exec_image_release(image);
}

size_t whitelist_verify(const struct whitelist *whitelist, whitelist_verify_fn *on_result,
			void *user)
{
	size_t failed = 0;

	for (size_t i = 0; i < whitelist_count(whitelist); i++) {
		const struct whitelist_entry *entry = whitelist_at(whitelist, i);
		struct err err = {0};

		verify_entry(whitelist, entry, &err);
		failed += entry->enabled && err.code != 0;
		on_result(user, entry, &err);
	}
	return failed;
}
