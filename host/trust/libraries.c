/* Holding libraries against their pins. exec.c owns one of these for each image whose whitelist
 * entry has libraries, and asks before each start. It remembers how a file looked when its hash was
 * good, so a second start hashes nothing. */
#include "trust/libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "observe/errors.h"
#include "trust/loader.h"
#include "trust/owners.h"

#define PIECE_BYTES (128u << 10)
#define RACY_S	    2 /* a file that was changed just now may change again within the same tick */

struct pin {
	char *path; /* owned */
	struct digest digest;
	bool is_seen;	  /* it had the hash when it looked like this */
	struct stat seen; /* what tells of a change */
};

struct libraries {
	struct pin *pins;
	size_t count;
	bool must_be_safe;
};

struct libraries *libraries_new(const struct whitelist_library *pins, size_t count,
				bool must_be_safe)
{
	struct libraries *libraries = mem_new(struct libraries);

	libraries->must_be_safe = must_be_safe;
	libraries_add(libraries, pins, count);
	return libraries;
}

static struct pin *find_pin(const struct libraries *libraries, const char *path)
{
	for (size_t i = 0; i < libraries->count; i++) {
		if (strcmp(libraries->pins[i].path, path) == 0)
			return &libraries->pins[i];
	}
	return NULL;
}

void libraries_add(struct libraries *libraries, const struct whitelist_library *pins, size_t count)
{
	libraries->pins = mem_realloc(libraries->pins,
				      (libraries->count + count + 1) * sizeof(libraries->pins[0]));
	for (size_t i = 0; i < count; i++)
		libraries->pins[libraries->count++] =
			(struct pin){.path = mem_strdup(pins[i].path), .digest = pins[i].digest};
}

void libraries_free(struct libraries *libraries)
{
	if (!libraries)
		return;
	for (size_t i = 0; i < libraries->count; i++)
		free(libraries->pins[i].path);
	free(libraries->pins);
	free(libraries);
}

/* ---- comparing ---- */

static bool has_pin(const struct libraries *libraries, const struct pin *pin)
{
	for (size_t i = 0; libraries && i < libraries->count; i++) {
		if (strcmp(libraries->pins[i].path, pin->path) == 0 &&
		    digest_eq(&libraries->pins[i].digest, &pin->digest))
			return true;
	}
	return false;
}

static int compare_one_way(const struct libraries *some, const struct libraries *others,
			   const char *what, struct err *err)
{
	for (size_t i = 0; some && i < some->count; i++) {
		if (has_pin(others, &some->pins[i]))
			continue;
		err_set(err, ERR_LIBRARY_CHANGED, "the library '%s' %s", some->pins[i].path, what);
		return -EACCES;
	}
	return 0;
}

int libraries_compare(const struct libraries *then, const struct libraries *now, struct err *err)
{
	int rc = compare_one_way(then, now,
				 "was pinned at its start, and is not pinned like that "
				 "any more",
				 err);

	return rc < 0 ? rc
		      : compare_one_way(now, then, "is pinned now, and was not at its start", err);
}

/* ---- hashing ---- */

static int hash_open(int fd, const char *path, struct digest *out, struct err *err)
{
	struct digest_stream *stream = digest_stream_new();
	uint8_t *piece = mem_alloc(PIECE_BYTES);
	off_t at = 0;
	ssize_t len;

	while ((len = pread(fd, piece, PIECE_BYTES, at)) > 0 && stream) {
		digest_stream_add(stream, piece, (size_t)len);
		at += len;
	}
	free(piece);
	if (len < 0) {
		digest_stream_free(stream);
		return err_set_errno(err, ERR_LIBRARY_UNKNOWN, errno, "'%s'", path);
	}
	if (!stream || digest_stream_end(stream, out) < 0)
		return err_set(err, ERR_LIBRARY_UNKNOWN, "'%s': OpenSSL has no SHA-256", path);
	return 0;
}

static int open_library(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	if (fd < 0)
		return err_set_errno(err, ERR_LIBRARY_CHANGED, errno, "the library '%s'", path);
	close(fd);
	return err_set(err, ERR_LIBRARY_CHANGED, "the library '%s' is no regular file", path);
}

int libraries_hash(const char *path, struct digest *out, struct err *err)
{
	int fd = open_library(path, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = hash_open(fd, path, out, err);
	close(fd);
	return rc;
}

/* ---- checking ---- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool looks_the_same(const struct pin *pin, const struct stat *now)
{
	return pin->is_seen && pin->seen.st_dev == now->st_dev && pin->seen.st_ino == now->st_ino &&
	       pin->seen.st_size == now->st_size &&
	       is_same_time(&pin->seen.st_mtim, &now->st_mtim) &&
	       is_same_time(&pin->seen.st_ctim, &now->st_ctim);
}

static int check_pin(struct pin *pin, int fd, struct err *err)
{
	char is[DIGEST_TEXT];
	char pinned[DIGEST_TEXT];
	struct digest digest;
	struct stat before;
	int rc;

	if (fstat(fd, &before) < 0)
		return err_set_errno(err, ERR_LIBRARY_CHANGED, errno, "the library '%s'",
				     pin->path);
	if (looks_the_same(pin, &before))
		return 0;
	rc = hash_open(fd, pin->path, &digest, err);
	if (rc < 0)
		return rc;
	if (!digest_eq(&digest, &pin->digest)) {
		err_set(err, ERR_LIBRARY_CHANGED,
			"the library '%s' has the hash %s, but %s is pinned", pin->path,
			digest_format(is, &digest), digest_format(pinned, &pin->digest));
		return -EACCES;
	}
	pin->seen = before;
	pin->is_seen = before.st_ctim.tv_sec + RACY_S < time(NULL);
	return 0;
}

/* Each time: a directory above it may have been opened to others since. */
static int check_safety(const struct libraries *libraries, const struct pin *pin, int fd,
			struct err *err)
{
	char real[PATH_MAX];
	int rc;

	if (!libraries->must_be_safe)
		return 0;
	if (!realpath(pin->path, real))
		return err_set_errno(err, ERR_LIBRARY_CHANGED, errno, "the library '%s'",
				     pin->path);
	rc = owners_check(fd, real, err);
	if (rc < 0)
		err_prefix(err, "the library '%s'", pin->path);
	return rc;
}

static int on_file(void *user, const char *path, int fd, struct err *err)
{
	struct pin *pin = find_pin(user, path);

	if (pin)
		return check_pin(pin, fd, err);
	err_set(err, ERR_LIBRARY_UNLISTED, "the library '%s' would be loaded, but is not pinned",
		path);
	return -EACCES;
}

static int check_env(char *const *env, struct err *err)
{
	for (; env && *env; env++) {
		if (strncmp(*env, "LD_", 3) == 0 || strncmp(*env, "GLIBC_TUNABLES=", 15) == 0)
			return err_set(err, ERR_LIBRARY_UNKNOWN,
				       "its environment has %.*s, which changes what is loaded; "
				       "libraries that are pinned go without it",
				       (int)strcspn(*env, "="), *env);
	}
	return 0;
}

/* All that are pinned, also those that only the program itself may load one day. */
static int check_others(struct libraries *libraries, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < libraries->count; i++) {
		int fd = open_library(libraries->pins[i].path, err);

		if (fd < 0)
			return fd;
		rc = check_safety(libraries, &libraries->pins[i], fd, err);
		if (rc == 0)
			rc = check_pin(&libraries->pins[i], fd, err);
		close(fd);
	}
	return rc;
}

int libraries_check(struct libraries *libraries, int fd, const char *path, char *const *env,
		    struct err *err)
{
	struct loader_files files = {0};
	int rc = check_env(env, err);

	if (rc == 0)
		rc = check_others(libraries, err);
	if (rc == 0)
		rc = loader_list(fd, path, on_file, libraries, &files, err);
	loader_files_deinit(&files);
	return rc;
}
