/* What will run: the bytes that were hashed, in a sealed memfd that nobody can change any more. The
 * file is opened once and copied while it is hashed, so that there is no moment in which another
 * file could take its place. All instances of a generation share one image; each start runs the
 * same sealed bytes by descriptor.
 *
 * A script ("#!") is two files: itself and its interpreter, both pinned, both in a memfd. What is
 * executed is the interpreter with the argument vector that the kernel would build: interpreter,
 * the argument of the #! line if there is one, the script; the script's name is EXEC_SCRIPT_PATH,
 * because the bytes that were hashed travel in descriptor 3, the one exception from "0, 1, 2 and
 * nothing else". `#!/usr/bin/env name` is refused: what it starts depends on PATH; the message
 * names the line to write instead. An interpreter that is a script itself is refused.
 *
 * Whether a file may be used is the guard's decision (guard.h); what only its policy tolerated is
 * kept as remarks, for whoever started it to log.
 *
 * Not covered by the hash: shared libraries, unless the entry pins them (libraries.h), and modules
 * that the program loads by itself.
 * Set-user-ID bits and file capabilities have no effect. $ORIGIN and the script's own directory
 * don't point to where the file was. */
#ifndef PLUGD_TRUST_EXEC_H
#define PLUGD_TRUST_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "trust/digest.h"
#include "trust/guard.h"

#define EXEC_SCRIPT_FD	 3
#define EXEC_SCRIPT_PATH "/proc/self/fd/3"

struct libraries;

struct exec_file {
	char *path; /* as it was asked for; owned */
	char *real; /* without symbolic links; owned */
	int fd;	    /* sealed memfd, close-on-exec; -1: none */
	uint64_t bytes;
	struct digest digest;
};

struct exec_image {
	unsigned holders;
	struct exec_file file;	      /* the plugin's executable or script */
	struct exec_file interpreter; /* of a script; fd is -1 otherwise */
	struct libraries *libraries;  /* NULL: the whitelist pins none; owned */
	char *interpreter_arg;	      /* of the #! line; NULL: none; owned */
	struct guard_remarks remarks; /* on both files, from when they were opened */
};

/* Opens, checks, copies and hashes what is at `path` (absolute) for the plugin of that name. 0 and
 * an image with one holder, or -errno and *err with one of ERR_WHITELIST_*, ERR_EXECUTABLE_*,
 * ERR_INTERPRETER_REFUSED. Reads the whole file: about 1 ms for 2 MiB. */
int exec_image_load(const struct guard *guard, const char *path, const char *plugin,
		    struct exec_image **out, struct err *err);

/* Would this image be loaded by that guard? Its bytes, their place and their size are judged as
 * they were then; owners and modes are not looked at again, because what is sealed does not follow
 * them. Its libraries are judged by their pins: those of then must be those of now. 0, or -EACCES
 * and *err; what is tolerated is added to *remarks, which is empty before. */
int exec_image_judge(const struct guard *guard, const struct exec_image *image, const char *plugin,
		     struct guard_remarks *remarks, struct err *err);

/* The same without a whitelist: for `plugctl check`, where somebody runs their own program, and for
 * `plugctl whitelist add`, which wants the digests. The host never calls it. */
int exec_image_load_unpinned(const char *path, struct exec_image **out, struct err *err);

/* Before each start: whether the libraries are still those that were pinned, and the environment
 * (NULL-terminated, may be NULL) lets the loader take them. 0, or -errno and *err with
 * ERR_LIBRARY_*. */
int exec_image_check_libraries(const struct exec_image *image, char *const *env, struct err *err);

struct exec_image *exec_image_hold(struct exec_image *image); /* returns it */
void exec_image_release(struct exec_image *image);	      /* the last one frees; NULL is fine */

/* The descriptor to execute: the interpreter's for a script. Borrows. */
int exec_image_fd(const struct exec_image *image);

/* The script's descriptor, which becomes EXEC_SCRIPT_FD in the child; -1 when it is no script.
 * Borrows. */
int exec_image_script_fd(const struct exec_image *image);

/* The argument vector with `args` (NULL-terminated, may be NULL) at its end. Returns owned: one
 * free(); the strings belong to the image and to args. */
char **exec_image_argv(const struct exec_image *image, char *const *args);

/* Why the kernel refused to execute it, in words: "it is built for aarch64", "its loader
 * /lib/ld-musl-x86_64.so.1 does not exist", or the text of errnum. `out` of `size` bytes; returns
 * it. */
const char *exec_image_explain(const struct exec_image *image, int errnum, char *out, size_t size);

#endif
