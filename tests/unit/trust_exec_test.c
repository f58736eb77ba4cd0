/* Real files: which are refused with which words, and that an image holds exactly the pinned
 * bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "observe/errors.h"
#include "trust/exec.h"
#include "trust/exec_head.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PROGRAM	     "program bytes"

struct fixture {
	char directory[64];
	struct buf list; /* text of a whitelist */
	struct whitelist *whitelist;
	struct exec_image *image;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->directory, "/tmp/plugd-exec-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	buf_printf(&f->list, "version: 1\nplugins:\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	exec_image_release(f->image);
	whitelist_free(f->whitelist);
	buf_deinit(&f->list);
	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* ---- verbs ---- */

/* The path of a file of the fixture; valid until the eighth next call. */
static const char *in(const struct fixture *f, const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", f->directory, name);
	return path;
}

static const char *write_file(struct fixture *f, const char *name, const char *text, mode_t mode)
{
	const char *path = in(f, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

/* Pins what is at the path now. */
static void pin(struct fixture *f, const char *path, const char *more)
{
	struct exec_image *image;
	char text[DIGEST_TEXT];

	assert_int_equal(exec_image_load_unpinned(path, &image, &f->err), 0);
	buf_printf(&f->list, "  - {path: %s, hash: \"%s\"%s}\n", path,
		   digest_format(text, &image->file.digest), more);
	exec_image_release(image);
}

static void read_list(struct fixture *f)
{
	struct whitelist_problems problems = {0};
	struct str text = {(char *)buf_front(&f->list), buf_len(&f->list)};

	assert_int_equal(whitelist_parse(text, "w.yaml", &f->whitelist, &problems), 0);
}

static int load(struct fixture *f, const char *path)
{
	exec_image_release(f->image);
	f->image = NULL;
	if (!f->whitelist)
		read_list(f);
	return exec_image_load(&(struct guard){.whitelist = f->whitelist}, path, "echo", &f->image,
			       &f->err);
}

static void assert_refused(struct fixture *f, const char *path, int code, const char *says)
{
	int before;

	exec_image_release(f->image);
	f->image = NULL;
	before = fd_count();
	assert_true(load(f, path) < 0);
	assert_null(f->image);
	if (!strstr(f->err.text, says))
		fail_msg("'%s' is not in: %s", says, f->err.text);
	assert_int_equal(f->err.code, code);
	assert_int_equal(fd_count(), before);
}

/* ---- what is loaded ---- */

static void an_image_holds_the_pinned_bytes_sealed(void **state)
{
	struct fixture *f = *state;
	const char *path = write_file(f, "program", PROGRAM, 0755);
	char bytes[64];
	int fd;

	pin(f, path, ", name: echo");
	assert_int_equal(load(f, path), 0);
	write_file(f, "program", "other bytes", 0755);
	fd = exec_image_fd(f->image);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), strlen(PROGRAM));
	assert_memory_equal(bytes, PROGRAM, strlen(PROGRAM));
	assert_int_equal(f->image->file.bytes, strlen(PROGRAM));
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(exec_image_script_fd(f->image), -1);
}

static void the_last_holder_closes_the_image(void **state)
{
	struct fixture *f = *state;
	const char *path = write_file(f, "program", PROGRAM, 0755);
	int before = fd_count();
	struct exec_image *image;

	assert_int_equal(exec_image_load_unpinned(path, &image, &f->err), 0);
	assert_ptr_equal(exec_image_hold(image), image);
	exec_image_release(image);
	assert_int_equal(fd_count(), before + 1);
	exec_image_release(image);
	assert_int_equal(fd_count(), before);
	exec_image_release(NULL);
}

static void a_large_file_is_copied_whole(void **state)
{
	struct fixture *f = *state;
	const char *path = write_file(f, "program", "", 0755);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct exec_image *image;
	char end[4] = "";

	assert_int_equal(pwrite(fd, "end", 3, 3000000), 3);
	close(fd);
	assert_int_equal(exec_image_load_unpinned(path, &image, &f->err), 0);
	assert_int_equal(image->file.bytes, 3000003);
	assert_int_equal(pread(image->file.fd, end, sizeof(end), 3000000), 3);
	assert_string_equal(end, "end");
	exec_image_release(image);
}

/* ---- what is refused ---- */

static void a_changed_file_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *path = write_file(f, "program", PROGRAM, 0755);

	pin(f, path, "");
	write_file(f, "program", PROGRAM ".", 0755);
	assert_refused(f, path, ERR_WHITELIST_MISMATCH, "w.yaml:3: '");
}

static void an_unlisted_or_disabled_file_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *path = write_file(f, "program", PROGRAM, 0755);
	const char *other = write_file(f, "other", PROGRAM, 0755);

	pin(f, path, ", enabled: false");
	assert_refused(f, path, ERR_WHITELIST_DISABLED, "is disabled");
	assert_refused(f, other, ERR_WHITELIST_UNLISTED, "is not in the whitelist w.yaml");
}

static void a_link_runs_what_it_leads_to_only_if_that_is_listed(void **state)
{
	struct fixture *f = *state;
	const char *good = write_file(f, "good", PROGRAM, 0755);
	const char *bad = write_file(f, "bad", "bad bytes", 0755);
	const char *link = in(f, "link");

	pin(f, good, "");
	assert_int_equal(symlink(good, link), 0);
	assert_int_equal(load(f, link), 0);
	assert_string_equal(f->image->file.path, link);
	assert_string_equal(f->image->file.real, good);
	unlink(link);
	assert_int_equal(symlink(bad, link), 0);
	assert_refused(f, link, ERR_WHITELIST_UNLISTED, "/bad' is not in the whitelist");
}

static void what_is_not_a_program_is_refused_without_opening_it(void **state)
{
	struct fixture *f = *state;
	char path_text[128];

	assert_int_equal(mkfifo(in(f, "fifo"), 0755), 0);
	assert_int_equal(mkdir(in(f, "directory"), 0755), 0);
	assert_int_equal(symlink("loop", in(f, "loop")), 0);
	write_file(f, "no-run-bit", PROGRAM, 0644);
	write_file(f, "empty", "", 0755);
	assert_int_equal(truncate(write_file(f, "huge", "x", 0755), (1LL << 29) + 1), 0);
	snprintf(path_text, sizeof(path_text), "/proc/self/fd/%d", STDIN_FILENO);

	const struct {
		const char *path;
		const char *says;
	} rows[] = {
		{in(f, "fifo"), "is a FIFO, not a regular file"},
		{in(f, "directory"), "is a directory"},
		{in(f, "no-run-bit"), "has no run bit (its mode is 0644)"},
		{in(f, "empty"), "is empty"},
		{in(f, "huge"), "is larger than 512 MiB"},
		{in(f, "loop"), "can't be opened: Too many levels of symbolic links"},
		{in(f, "nothing"), "can't be opened: No such file or directory"},
		{"/dev/null", "is a device, not a regular file"},
		{path_text, "can't be opened"},
		{"program", "is not an absolute path"},
		{"", "is not an absolute path"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_refused(f, rows[i].path, ERR_EXECUTABLE_REFUSED, rows[i].says);
}

/* ---- scripts ---- */

static void a_script_needs_its_interpreter_pinned_too(void **state)
{
	struct fixture *f = *state;
	const char *interpreter = write_file(f, "interpreter", PROGRAM, 0755);
	const char *script;
	char text[256];
	char *const args[] = {(char *)"a", (char *)"b", NULL};
	char **argv;

	snprintf(text, sizeof(text), "#! %s  -x  y \nbody\n", interpreter);
	script = write_file(f, "script", text, 0755);
	pin(f, script, ", name: echo");
	assert_refused(f, script, ERR_INTERPRETER_REFUSED, "/interpreter' is not in the whitelist");

	whitelist_free(f->whitelist);
	f->whitelist = NULL;
	pin(f, interpreter, ", name: some-interpreter");
	assert_int_equal(load(f, script), 0);
	argv = exec_image_argv(f->image, args);
	assert_string_equal(argv[0], interpreter);
	assert_string_equal(argv[1], "-x  y");
	assert_string_equal(argv[2], EXEC_SCRIPT_PATH);
	assert_string_equal(argv[3], "a");
	assert_string_equal(argv[4], "b");
	assert_null(argv[5]);
	free(argv);
	assert_int_equal(exec_image_fd(f->image), f->image->interpreter.fd);
	assert_int_equal(exec_image_script_fd(f->image), f->image->file.fd);

	write_file(f, "interpreter", "changed", 0755);
	assert_refused(f, script, ERR_INTERPRETER_REFUSED, "the interpreter of '");
	write_file(f, "interpreter", PROGRAM, 0644);
	assert_refused(f, script, ERR_INTERPRETER_REFUSED, "has no run bit");
}

static void a_script_with_an_uncertain_interpreter_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"#!/usr/bin/env sh\n", "depends on PATH; write #!/usr/bin/sh in its first line"},
		{"#!/usr/bin/env -S A=b -i sh -c\n", "write #!/usr/bin/sh in its first line"},
		{"#!/usr/bin/env no-such-thing\n",
		 "write the interpreter's absolute path in its first"},
		{"#!/usr/bin/env\n", "write the interpreter's absolute path in its first"},
		{"#!sh\n", "its interpreter must be an absolute path"},
		{"#!\n", "names no interpreter"},
		{"#!", "names no interpreter"},
		{"#!/bin/sh\r\n", "ends in a carriage return"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = write_file(f, "script", rows[i].text, 0755);

		assert_true(exec_image_load_unpinned(path, &f->image, &f->err) < 0);
		assert_int_equal(f->err.code, ERR_INTERPRETER_REFUSED);
		if (!strstr(f->err.text, rows[i].says))
			fail_msg("row %zu: %s", i, f->err.text);
	}
}

static void a_script_may_not_interpret_a_script(void **state)
{
	struct fixture *f = *state;
	const char *inner = write_file(f, "inner", "#!/bin/sh\n", 0755);
	char text[256];

	snprintf(text, sizeof(text), "#!%s\n", inner);
	assert_true(exec_image_load_unpinned(write_file(f, "outer", text, 0755), &f->image,
					     &f->err) < 0);
	assert_int_equal(f->err.code, ERR_INTERPRETER_REFUSED);
	assert_non_null(strstr(f->err.text, "is a script itself"));
}

/* ---- heads ---- */

static void a_line_that_the_kernel_would_cut_is_refused(void **state)
{
	char line[300];
	struct exec_script script;
	const char *wrong = NULL;

	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	line[255] = '\n';
	assert_true(exec_head_script((struct str){line, sizeof(line)}, &script, &wrong));
	assert_null(wrong);
	line[255] = 'x';
	line[256] = '\n';
	assert_true(exec_head_script((struct str){line, sizeof(line)}, &script, &wrong));
	assert_non_null(strstr(wrong, "longer than 255"));
	line[100] = '\0';
	line[255] = '\n';
	assert_true(exec_head_script((struct str){line, sizeof(line)}, &script, &wrong));
	assert_non_null(strstr(wrong, "NUL"));
}

static void an_elf_head_tells_its_machine_and_loader(void **state)
{
	char head[EXEC_HEAD_BYTES];
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, head, sizeof(head));

	close(fd);
	assert_true(len > 64);
	assert_true(exec_head_is_elf((struct str){head, (size_t)len}));
	assert_non_null(exec_head_machine((struct str){head, (size_t)len}));
	assert_true(exec_head_loader((struct str){head, (size_t)len}).len > 5);
	for (size_t cut = 0; cut < (size_t)len; cut++) { /* nothing is read beyond any end */
		char *copy = malloc(cut);
		struct str text = {copy, cut};

		memcpy(copy, head, cut);
		exec_head_loader(text);
		exec_head_machine(text);
		free(copy);
	}
	head[33] = head[36] = (char)0xff; /* a table of segments far away */
	assert_int_equal(exec_head_loader((struct str){head, (size_t)len}).len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_holds_the_pinned_bytes_sealed),
		TEST(the_last_holder_closes_the_image),
		TEST(a_large_file_is_copied_whole),
		TEST(a_changed_file_is_refused),
		TEST(an_unlisted_or_disabled_file_is_refused),
		TEST(a_link_runs_what_it_leads_to_only_if_that_is_listed),
		TEST(what_is_not_a_program_is_refused_without_opening_it),
		TEST(a_script_needs_its_interpreter_pinned_too),
		TEST(a_script_with_an_uncertain_interpreter_is_refused),
		TEST(a_script_may_not_interpret_a_script),
		cmocka_unit_test(a_line_that_the_kernel_would_cut_is_refused),
		cmocka_unit_test(an_elf_head_tells_its_machine_and_loader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
