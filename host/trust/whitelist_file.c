/* The whitelist as a file. The host loads it, plugctl pins and verifies. Writers take turns
 * (file_replace.h), so a reader meets the old text or the new. Fails with a sentence; the file is
 * then as it was. */
#include "trust/whitelist_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "observe/errors.h"
#include "trust/exec.h"
#include "trust/file_replace.h"

#define NEW_MODE 0644

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
	int r = fd_read_to_end(fd, YAML_MAX_BYTES, out);

	if (r == 0 || r == -EFBIG) /* which the parser refuses */
		return 0;
	return err_set_errno(err, ERR_WHITELIST_FILE, -r, "%s", file);
}

int whitelist_read(const char *file, struct buf *out, struct err *err)
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

struct str whitelist_text(const struct buf *buf)
{
	return (struct str){(const char *)buf_front(buf), buf_len(buf)};
}

int whitelist_load(const char *file, struct whitelist **out, struct whitelist_problems *problems)
{
	struct buf text = {0};
	struct err err = {0};
	int rc = whitelist_read(file, &text, &err);

	if (rc < 0)
		whitelist_problems_one(problems, &err, rc);
	else
		rc = whitelist_parse(whitelist_text(&text), file, out, problems);
	buf_deinit(&text);
	return rc;
}

/* ---- pinning ---- */

/* What shall become of the text: a pin, or an entry less. */
struct change {
	const struct whitelist_pin *pin; /* NULL: remove */
	const char *path_or_name;
	enum whitelist_change *what_out; /* of a pin */
};

static int edit_text(const char *file, struct str old, const struct change *change, struct buf *new,
		     struct err *err)
{
	if (!change->pin)
		return whitelist_remove(old, file, change->path_or_name, new, err);
	return whitelist_edit(old, file, change->pin, new, change->what_out, err);
}

static bool changes_nothing(const struct change *change)
{
	return change->pin && *change->what_out == WHITELIST_UNCHANGED;
}

static int edit_locked(const char *file, int directory, const struct change *change,
		       struct err *err)
{
	struct buf old = {0};
	struct buf new = {0};
	int rc = whitelist_read(file, &old, err);

	if (rc == -ENOENT && change->pin)
		rc = 0;
	if (rc == 0)
		rc = edit_text(file, whitelist_text(&old), change, &new, err);
	if (rc == 0 && !changes_nothing(change)) {
		rc = file_replace(file, directory, whitelist_text(&new), NEW_MODE);
		if (rc < 0)
			err_set_errno(err, ERR_WHITELIST_FILE, -rc, "%s can't be written", file);
	}
	buf_deinit(&old);
	buf_deinit(&new);
	return rc;
}

static int edit_file(const char *file, const struct change *change, struct err *err)
{
	char real[PATH_MAX];
	const char *target = realpath(file, real); /* a link stays a link */
	int directory;
	int rc;

	if (!target && errno != ENOENT)
		return err_set_errno(err, ERR_WHITELIST_FILE, errno, "%s", file);
	if (!target)
		target = file;
	directory = file_lock_directory(target);
	if (directory < 0)
		return err_set_errno(err, ERR_WHITELIST_FILE, -directory,
				     "the directory of %s can't be opened", target);
	rc = edit_locked(target, directory, change, err);
	close(directory); /* unlocks */
	return rc;
}

int whitelist_pin(const char *file, const struct whitelist_pin *pin,
		  enum whitelist_change *change_out, struct err *err)
{
	return edit_file(file, &(struct change){.pin = pin, .what_out = change_out}, err);
}

int whitelist_unpin(const char *file, const char *path_or_name, struct err *err)
{
	return edit_file(file, &(struct change){.path_or_name = path_or_name}, err);
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
