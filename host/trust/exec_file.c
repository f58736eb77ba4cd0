/* From a path to sealed bytes. The file is opened once, as a place (O_PATH), looked at, and only
 * then opened for reading by that same descriptor, so that a FIFO never blocks, a device is never
 * touched, and no step can meet another file than the one before. exec.c owns the result; this file
 * never executes anything and never uses a path twice. It fails with a sentence for the
 * operator. */
#include "trust/exec_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define COPY_BYTES (128u << 10)
#define NAME_BYTES 200 /* of a memfd; the kernel takes 249 */
#define PROC_FD	   "/proc/self/fd/%d"
#define PROC_BYTES 32

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* ---- the file as a place ---- */

int exec_file_refuse(struct err *err, const char *path, const char *why)
{
	err_set(err, ERR_EXECUTABLE_REFUSED, "'%s' %s", path, why);
	return -EACCES;
}

static const char *kind_of_file(mode_t mode)
{
	if (S_ISDIR(mode))
		return "is a directory";
	if (S_ISFIFO(mode))
		return "is a FIFO, not a regular file";
	if (S_ISSOCK(mode))
		return "is a socket, not a regular file";
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return "is a device, not a regular file";
	return "is not a regular file";
}

static int open_place(const char *path, int *fd_out, struct err *err)
{
	/* Links of /proc lead to what a process has open, not to what stands in the file system. */
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};

	if (path[0] != '/')
		return exec_file_refuse(err, path, "is not an absolute path");
	*fd_out = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (*fd_out < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s' can't be opened",
				     path);
	return 0;
}

static int check_place(int place, const char *path, uint64_t *bytes_out, struct err *err)
{
	struct stat status;
	struct statvfs mount;

	if (fstat(place, &status) < 0 || fstatvfs(place, &mount) < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s'", path);
	if (!S_ISREG(status.st_mode))
		return exec_file_refuse(err, path, kind_of_file(status.st_mode));
	if (status.st_nlink == 0)
		return exec_file_refuse(err, path, "was deleted just now");
	if ((status.st_mode & 0111) == 0) {
		err_set(err, ERR_EXECUTABLE_REFUSED,
			"'%s' has no run bit (its mode is %04o); chmod +x if it is a program", path,
			status.st_mode & 07777);
		return -EACCES;
	}
	if (mount.f_flag & ST_NOEXEC)
		return exec_file_refuse(err, path, "is on a file system that is mounted noexec");
	if (status.st_size == 0)
		return exec_file_refuse(err, path, "is empty");
	if (status.st_size > EXEC_MAX_BYTES)
		return exec_file_refuse(err, path, "is larger than 512 MiB");
	*bytes_out = (uint64_t)status.st_size;
	return 0;
}

static int read_real_path(int place, const char *path, char **out, struct err *err)
{
	char link[PROC_BYTES];
	char real[4096];
	ssize_t len;

	snprintf(link, sizeof(link), PROC_FD, place);
	len = readlink(link, real, sizeof(real));
	if (len < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno,
				     "'%s': its real path can't be read (is /proc mounted?)", path);
	if (len == sizeof(real) || real[0] != '/')
		return exec_file_refuse(err, path, "has no real path of fewer than 4096 bytes");
	*out = mem_strndup((struct str){real, (size_t)len});
	return 0;
}

/* ---- its bytes ---- */

static int make_memfd(const char *real, int *out, struct err *err)
{
	char name[NAME_BYTES];
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	str_copy(name, sizeof(name), str_from(strrchr(real, '/') + 1));
	*out = memfd_create(name, flags | MFD_EXEC);
	if (*out < 0 && errno == EINVAL)
		*out = memfd_create(name, flags); /* a kernel before 6.3: always executable */
	if (*out < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno,
				     "'%s': no memory file that may be executed (see "
				     "vm.memfd_noexec)",
				     real);
	return 0;
}

/* Each piece is hashed and written from the same private memory, so what is sealed is what was
 * hashed. */
static int copy_pieces(int from, struct exec_file *file, struct digest_stream *stream,
		       struct err *err)
{
	uint8_t *piece = mem_alloc(COPY_BYTES);
	uint64_t copied = 0;
	int rc = 0;
	ssize_t len;

	while (rc == 0 && (len = read(from, piece, COPY_BYTES)) != 0) {
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			rc = err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s' can't be read",
					   file->real);
			break;
		}
		copied += (uint64_t)len;
		if (copied > file->bytes)
			rc = exec_file_refuse(err, file->real, "grew while it was read");
		digest_stream_add(stream, piece, (size_t)len);
		if (rc == 0 && (rc = fd_write_all(file->fd, piece, (size_t)len)) < 0)
			err_set_errno(err, ERR_EXECUTABLE_REFUSED, -rc,
				      "'%s' can't be copied into memory", file->real);
	}
	free(piece);
	file->bytes = copied;
	return rc;
}

static int copy_hashed(int from, struct exec_file *file, struct err *err)
{
	struct digest_stream *stream = digest_stream_new();
	int rc = stream ? copy_pieces(from, file, stream, err) : -EIO;

	if (rc < 0)
		digest_stream_free(stream);
	else
		rc = digest_stream_end(stream, &file->digest);
	if (rc == -EIO)
		err_set(err, ERR_EXECUTABLE_REFUSED, "'%s' can't be hashed: OpenSSL has no SHA-256",
			file->real);
	if (rc == 0 && fcntl(file->fd, F_ADD_SEALS,
			     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		rc = err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s' can't be sealed",
				   file->real);
	return rc;
}

static int copy_place(int place, struct exec_file *file, struct err *err)
{
	char link[PROC_BYTES];
	int from;
	int rc;

	snprintf(link, sizeof(link), PROC_FD, place);
	from = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (from < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s' can't be read",
				     file->real);
	rc = make_memfd(file->real, &file->fd, err);
	if (rc == 0)
		rc = copy_hashed(from, file, err);
	close(from);
	return rc;
}

/* ---- one file, pinned ---- */

static int load_admitted(int place, const struct exec_wish *wish, struct exec_file *file,
			 struct err *err)
{
	struct guard_question question = {
		.who = {.path = file->path, .real = file->real, .plugin = wish->plugin},
		.bytes = file->bytes,
		.place = place,
	};
	const struct whitelist_entry *entry = NULL;
	int rc = 0;

	if (wish->guard)
		rc = guard_admit(wish->guard, &question, &entry, wish->remarks, err);
	if (rc == 0)
		rc = copy_place(place, file, err);
	if (rc == 0 && wish->guard)
		rc = guard_check(wish->guard, entry, &file->digest, wish->remarks, err);
	return rc;
}

int exec_file_load(const char *path, const struct exec_wish *wish, struct exec_file *file,
		   struct err *err)
{
	int place;
	int rc = open_place(path, &place, err);

	if (rc < 0)
		return rc;
	file->path = mem_strdup(path);
	rc = check_place(place, path, &file->bytes, err);
	if (rc == 0)
		rc = read_real_path(place, path, &file->real, err);
	if (rc == 0)
		rc = load_admitted(place, wish, file, err);
	close(place);
	return rc;
}

void exec_file_deinit(struct exec_file *file)
{
	fd_close(&file->fd);
	free(file->path);
	free(file->real);
}
