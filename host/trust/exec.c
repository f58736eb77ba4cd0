/* From a path to sealed bytes. Owns the descriptors of the images; the pool loads one image per
 * generation and each instance holds it. The file is opened once, as a place (O_PATH), looked at,
 * and only then opened for reading by that same descriptor, so that a FIFO never blocks, a device
 * is never touched, and no step can meet another file than the one before. It never executes
 * anything and never trusts a path twice. It fails with a sentence for the operator. */
#include "trust/exec.h"

#include <assert.h>
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
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "trust/exec_head.h"

#define COPY_BYTES (128u << 10)
#define NAME_BYTES 200 /* of a memfd; the kernel takes 249 */
#define PROC_FD	   "/proc/self/fd/%d"
#define PROC_BYTES 32

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* ---- the file as a place ---- */

static int refuse(struct err *err, const char *path, const char *why)
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
		return refuse(err, path, "is not an absolute path");
	*fd_out = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (*fd_out < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s' can't be opened",
				     path);
	return 0;
}

static int check_place(int place, const char *path, struct err *err)
{
	struct stat status;
	struct statvfs mount;

	if (fstat(place, &status) < 0 || fstatvfs(place, &mount) < 0)
		return err_set_errno(err, ERR_EXECUTABLE_REFUSED, errno, "'%s'", path);
	if (!S_ISREG(status.st_mode))
		return refuse(err, path, kind_of_file(status.st_mode));
	if (status.st_nlink == 0)
		return refuse(err, path, "was deleted just now");
	if ((status.st_mode & 0111) == 0) {
		err_set(err, ERR_EXECUTABLE_REFUSED,
			"'%s' has no run bit (its mode is %04o); chmod +x if it is a program", path,
			status.st_mode & 07777);
		return -EACCES;
	}
	if (mount.f_flag & ST_NOEXEC)
		return refuse(err, path, "is on a file system that is mounted noexec");
	if (status.st_size == 0)
		return refuse(err, path, "is empty");
	if ((uint64_t)status.st_size > EXEC_MAX_BYTES)
		return refuse(err, path, "is larger than 512 MiB");
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
		return refuse(err, path, "has no real path of fewer than 4096 bytes");
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
		file->bytes += (uint64_t)len;
		if (file->bytes > EXEC_MAX_BYTES)
			rc = refuse(err, file->real, "is larger than 512 MiB");
		digest_stream_add(stream, piece, (size_t)len);
		if (rc == 0 && (rc = fd_write_all(file->fd, piece, (size_t)len)) < 0)
			err_set_errno(err, ERR_EXECUTABLE_REFUSED, -rc,
				      "'%s' can't be copied into memory", file->real);
	}
	free(piece);
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

struct wish {
	const struct whitelist *whitelist; /* NULL: whatever it is */
	const char *plugin;		   /* NULL: an interpreter */
};

static int load_admitted(int place, const struct wish *wish, struct exec_file *file,
			 struct err *err)
{
	const struct whitelist_entry *entry = NULL;
	int rc = 0;

	if (wish->whitelist)
		rc = whitelist_admit(wish->whitelist,
				     &(struct whitelist_question){.path = file->path,
								  .real = file->real,
								  .plugin = wish->plugin},
				     &entry, err);
	if (rc == 0)
		rc = copy_place(place, file, err);
	if (rc == 0 && wish->whitelist)
		rc = whitelist_check(wish->whitelist, entry, &file->digest, err);
	return rc;
}

static int load_file(const char *path, const struct wish *wish, struct exec_file *file,
		     struct err *err)
{
	int place;
	int rc = open_place(path, &place, err);

	if (rc < 0)
		return rc;
	file->path = mem_strdup(path);
	rc = check_place(place, path, err);
	if (rc == 0)
		rc = read_real_path(place, path, &file->real, err);
	if (rc == 0)
		rc = load_admitted(place, wish, file, err);
	close(place);
	return rc;
}

static struct str read_head(const struct exec_file *file, char head[EXEC_HEAD_BYTES])
{
	ssize_t len = pread(file->fd, head, EXEC_HEAD_BYTES, 0);

	return (struct str){head, len > 0 ? (size_t)len : 0};
}

/* ---- scripts ---- */

/* The program that `env` would be asked for: the first word that is neither an option nor an
 * assignment. */
static struct str env_program(struct str argument)
{
	while (argument.len > 0) {
		size_t len = 0;

		while (len < argument.len && argument.data[len] != ' ' &&
		       argument.data[len] != '\t')
			len++;
		if (argument.data[0] != '-' && !memchr(argument.data, '=', len))
			return (struct str){argument.data, len};
		argument = str_trim((struct str){argument.data + len, argument.len - len});
	}
	return argument;
}

static int refuse_env(const struct exec_script *script, const char *path, struct err *err)
{
	static const char *const directories[] = {"/usr/local/bin", "/usr/bin", "/bin"};
	struct str program = env_program(script->argument);
	char candidate[EXEC_HEAD_BYTES];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(candidate, sizeof(candidate), "%s/%.*s", directories[i], STR_ARG(program));
		if (program.len > 0 && access(candidate, X_OK) == 0)
			break;
		candidate[0] = '\0';
	}
	err_set(err, ERR_INTERPRETER_REFUSED,
		"'%s' asks env for its interpreter, which depends on PATH; write %s%s in its first "
		"line",
		path, candidate[0] ? "#!" : "the interpreter's absolute path", candidate);
	return -EACCES;
}

static bool is_env(struct str interpreter)
{
	static const struct str end = {"/env", 4};

	return interpreter.len >= end.len &&
	       str_eq((struct str){interpreter.data + interpreter.len - end.len, end.len}, end);
}

static int load_interpreter(struct exec_image *image, const struct exec_script *script,
			    const struct whitelist *whitelist, struct err *err)
{
	char *path = mem_strndup(script->interpreter);
	char head[EXEC_HEAD_BYTES];
	struct exec_script nested;
	const char *wrong;
	int rc = load_file(path, &(struct wish){whitelist, NULL}, &image->interpreter, err);

	free(path);
	if (rc == 0 && exec_head_script(read_head(&image->interpreter, head), &nested, &wrong))
		rc = refuse(err, image->interpreter.path, "is a script itself");
	if (rc < 0) {
		err_prefix(err, "the interpreter of '%s'", image->file.path);
		if (err)
			err->code = ERR_INTERPRETER_REFUSED;
		return rc;
	}
	image->interpreter_arg = script->argument.len > 0 ? mem_strndup(script->argument) : NULL;
	return 0;
}

static int load_script(struct exec_image *image, const struct whitelist *whitelist, struct err *err)
{
	char head[EXEC_HEAD_BYTES];
	struct exec_script script;
	const char *wrong;

	if (!exec_head_script(read_head(&image->file, head), &script, &wrong))
		return 0;
	if (wrong) {
		err_set(err, ERR_INTERPRETER_REFUSED, "'%s': %s", image->file.path, wrong);
		return -EACCES;
	}
	if (is_env(script.interpreter))
		return refuse_env(&script, image->file.path, err);
	return load_interpreter(image, &script, whitelist, err);
}

/* ---- images ---- */

static void file_deinit(struct exec_file *file)
{
	fd_close(&file->fd);
	free(file->path);
	free(file->real);
}

static int image_load(const struct wish *wish, const char *path, struct exec_image **out,
		      struct err *err)
{
	struct exec_image *image = mem_new(struct exec_image);
	int rc;

	image->holders = 1;
	image->file.fd = -1;
	image->interpreter.fd = -1;
	rc = load_file(path, wish, &image->file, err);
	if (rc == 0)
		rc = load_script(image, wish->whitelist, err);
	if (rc < 0) {
		exec_image_release(image);
		return rc;
	}
	*out = image;
	return 0;
}

int exec_image_load(const struct whitelist *whitelist, const char *path, const char *plugin,
		    struct exec_image **out, struct err *err)
{
	assert(whitelist && plugin);
	return image_load(&(struct wish){whitelist, plugin}, path, out, err);
}

int exec_image_load_unpinned(const char *path, struct exec_image **out, struct err *err)
{
	return image_load(&(struct wish){NULL, NULL}, path, out, err);
}

struct exec_image *exec_image_hold(struct exec_image *image)
{
	image->holders++;
	return image;
}

void exec_image_release(struct exec_image *image)
{
	if (!image || --image->holders > 0)
		return;
	file_deinit(&image->file);
	file_deinit(&image->interpreter);
	free(image->interpreter_arg);
	free(image);
}

static bool image_is_script(const struct exec_image *image)
{
	return image->interpreter.fd >= 0;
}

int exec_image_fd(const struct exec_image *image)
{
	return image_is_script(image) ? image->interpreter.fd : image->file.fd;
}

int exec_image_script_fd(const struct exec_image *image)
{
	return image_is_script(image) ? image->file.fd : -1;
}

char **exec_image_argv(const struct exec_image *image, char *const *args)
{
	size_t count = 0;
	size_t used = 0;
	char **argv;

	while (args && args[count])
		count++;
	argv = mem_array(count + 4, sizeof(argv[0]));
	if (image_is_script(image)) {
		argv[used++] = image->interpreter.path;
		if (image->interpreter_arg)
			argv[used++] = image->interpreter_arg;
		argv[used++] = (char *)EXEC_SCRIPT_PATH;
	} else {
		argv[used++] = image->file.path;
	}
	for (size_t i = 0; i < count; i++)
		argv[used++] = args[i];
	return argv;
}

/* ---- why the kernel said no ---- */

static const char *explain_format(struct str head, char *out, size_t size)
{
	const char *machine = exec_head_machine(head);
	struct utsname here;

	if (!exec_head_is_elf(head))
		snprintf(out, size,
			 "it is neither an ELF program nor a script that begins with '#!'");
	else if (machine && uname(&here) == 0 && strcmp(machine, here.machine) != 0)
		snprintf(out, size, "it is built for %s, and this machine is %s", machine,
			 here.machine);
	else
		snprintf(out, size, "it is an ELF file that this kernel can't run");
	return out;
}

const char *exec_image_explain(const struct exec_image *image, int errnum, char *out, size_t size)
{
	const struct exec_file *file = image_is_script(image) ? &image->interpreter : &image->file;
	char head_bytes[EXEC_HEAD_BYTES];
	struct str head = read_head(file, head_bytes);
	struct str loader = exec_head_loader(head);

	if (errnum == ENOEXEC)
		return explain_format(head, out, size);
	if (errnum == ENOENT && loader.len > 0)
		snprintf(out, size, "its loader '%.*s' does not exist", STR_ARG(loader));
	else
		snprintf(out, size, "%s", strerror(errnum));
	return out;
}
