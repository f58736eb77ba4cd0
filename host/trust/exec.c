/* Images: what a plugin's process is made of. The pool loads one per generation and each instance
 * holds it; plugctl loads one to look at it. It owns the descriptors that exec_file.c sealed. It
 * decides how a script is run, never runs anything, and fails with a sentence for the operator. */
#include "trust/exec.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "trust/exec_file.h"
#include "trust/exec_head.h"
#include "trust/libraries.h"

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

/* What is said of an interpreter names the script that asks for it. */
static void prefix_remarks(struct guard_remarks *remarks, size_t first, const char *script)
{
	for (size_t i = first; i < remarks->count; i++)
		err_prefix(&remarks->rows[i], "the interpreter of '%s'", script);
}

static int load_interpreter(struct exec_image *image, const struct exec_script *script,
			    const struct guard *guard, struct err *err)
{
	char *path = mem_strndup(script->interpreter);
	char head[EXEC_HEAD_BYTES];
	struct exec_script nested;
	const char *wrong;
	size_t remarks = image->remarks.count;
	int rc = exec_file_load(path, &(struct exec_wish){guard, NULL, &image->remarks},
				&image->interpreter, err);

	free(path);
	prefix_remarks(&image->remarks, remarks, image->file.path);
	if (rc == 0 && exec_head_script(read_head(&image->interpreter, head), &nested, &wrong))
		rc = exec_file_refuse(err, image->interpreter.path, "is a script itself");
	if (rc < 0) {
		err_prefix(err, "the interpreter of '%s'", image->file.path);
		if (err)
			err->code = ERR_INTERPRETER_REFUSED;
		return rc;
	}
	image->interpreter_arg = script->argument.len > 0 ? mem_strndup(script->argument) : NULL;
	return 0;
}

static int load_script(struct exec_image *image, const struct guard *guard, struct err *err)
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
	return load_interpreter(image, &script, guard, err);
}

/* ---- libraries ---- */

static bool image_is_script(const struct exec_image *image)
{
	return image->interpreter.fd >= 0;
}

/* What the entry of the file pins besides the file, added to *out. */
static void add_libraries(struct libraries **out, const struct exec_file *file,
			  const struct guard *guard)
{
	const struct whitelist_entry *entry = whitelist_find_path(guard->whitelist, file->real);
	bool must_be_safe = guard->opts && guard->opts->require_safe_modes;

	if (!entry)
		entry = whitelist_find_path(guard->whitelist, file->path);
	if (!entry || !entry->has_libraries)
		return;
	if (*out)
		libraries_add(*out, entry->libraries, entry->library_count);
	else
		*out = libraries_new(entry->libraries, entry->library_count, must_be_safe);
}

/* Returns owned; NULL: none are pinned. */
static struct libraries *find_libraries(const struct exec_image *image, const struct guard *guard)
{
	struct libraries *found = NULL;

	add_libraries(&found, &image->file, guard);
	if (image_is_script(image))
		add_libraries(&found, &image->interpreter, guard);
	return found;
}

/* Under a policy that tolerates deviations, what is wrong with them is remarked once, and the
 * starts are not held up. */
static int load_libraries(struct exec_image *image, const struct guard *guard, struct err *err)
{
	int rc;

	image->libraries = find_libraries(image, guard);
	rc = exec_image_check_libraries(image, NULL, err);
	if (rc < 0)
		rc = guard_weigh(guard, err, &image->remarks, err);
	if (guard->opts && guard->opts->policy == TRUST_AUDIT) {
		libraries_free(image->libraries);
		image->libraries = NULL;
	}
	return rc;
}

int exec_image_check_libraries(const struct exec_image *image, char *const *env, struct err *err)
{
	const struct exec_file *file = image_is_script(image) ? &image->interpreter : &image->file;

	if (!image->libraries)
		return 0;
	return libraries_check(image->libraries, file->fd, file->real, env, err);
}

/* ---- images ---- */

static int image_load(const struct guard *guard, const char *plugin, const char *path,
		      struct exec_image **out, struct err *err)
{
	struct exec_image *image = mem_new(struct exec_image);
	int rc;

	image->holders = 1;
	image->file = image->interpreter = EXEC_FILE_NONE;
	rc = exec_file_load(path, &(struct exec_wish){guard, plugin, &image->remarks}, &image->file,
			    err);
	if (rc == 0)
		rc = load_script(image, guard, err);
	if (rc == 0 && guard)
		rc = load_libraries(image, guard, err);
	if (rc < 0) {
		exec_image_release(image);
		return rc;
	}
	*out = image;
	return 0;
}

int exec_image_load(const struct guard *guard, const char *path, const char *plugin,
		    struct exec_image **out, struct err *err)
{
	assert(guard && guard->whitelist && plugin);
	return image_load(guard, plugin, path, out, err);
}

int exec_image_load_unpinned(const char *path, struct exec_image **out, struct err *err)
{
	return image_load(NULL, NULL, path, out, err);
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
	exec_file_deinit(&image->file);
	exec_file_deinit(&image->interpreter);
	libraries_free(image->libraries);
	free(image->interpreter_arg);
	free(image);
}

static int judge_file(const struct guard *guard, const struct exec_file *file, const char *plugin,
		      struct guard_remarks *remarks, struct err *err)
{
	struct guard_question question = {
		.who = {.path = file->path, .real = file->real, .plugin = plugin},
		.bytes = file->bytes,
		.place = -1,
	};
	const struct whitelist_entry *entry;
	int rc = guard_admit(guard, &question, &entry, remarks, err);

	return rc < 0 ? rc : guard_check(guard, entry, &file->digest, remarks, err);
}

/* Where none are pinned any more, nothing is asked of those that it has. */
static int judge_libraries(const struct guard *guard, const struct exec_image *image,
			   struct guard_remarks *remarks, struct err *err)
{
	struct libraries *now = find_libraries(image, guard);
	int rc = now ? libraries_compare(image->libraries, now, err) : 0;

	libraries_free(now);
	return rc < 0 ? guard_weigh(guard, err, remarks, err) : 0;
}

static int judge_files(const struct guard *guard, const struct exec_image *image,
		       const char *plugin, struct guard_remarks *remarks, struct err *err)
{
	int rc = judge_file(guard, &image->file, plugin, remarks, err);
	size_t before = remarks->count;

	if (rc < 0 || !image_is_script(image))
		return rc;
	rc = judge_file(guard, &image->interpreter, NULL, remarks, err);
	prefix_remarks(remarks, before, image->file.path);
	if (rc < 0)
		err_prefix(err, "the interpreter of '%s'", image->file.path);
	return rc;
}

int exec_image_judge(const struct guard *guard, const struct exec_image *image, const char *plugin,
		     struct guard_remarks *remarks, struct err *err)
{
	int rc = judge_files(guard, image, plugin, remarks, err);

	return rc < 0 ? rc : judge_libraries(guard, image, remarks, err);
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
