/* Pinning: the text around an entry stays as it was written, and the file is whole at every
 * moment. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"
#include "trust/exec.h"
#include "trust/whitelist_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OLD	     "0000000000000000000000000000000000000000000000000000000000000000"
#define NEW	     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* ---- the text ---- */

static struct whitelist_pin pin_of(const char *name, const char *path)
{
	struct whitelist_pin pin = {.name = name, .path = path};

	assert_null(digest_parse(str_from(NEW), &pin.digest));
	return pin;
}

static void edits_only_what_it_must(void **state)
{
	static const struct {
		const char *name;
		const char *path;
		enum whitelist_change change;
		const char *before;
		const char *after;
	} rows[] = {
		{"echo", "/opt/echo", WHITELIST_ADDED, "",
		 "# Which executables plugd may run, and the hash that each must have.\n"
		 "version: 1\nplugins:\n  - name: echo\n    path: /opt/echo\n"
		 "    hash: \"sha256:" NEW "\"\n"},
		{NULL, "/b", WHITELIST_ADDED,
		 "# top\nversion: 1\nplugins:\n  # about a\n  - path: /a # why a\n"
		 "    hash: " OLD " # old\n\n# end\n",
		 "# top\nversion: 1\nplugins:\n  # about a\n  - path: /a # why a\n"
		 "    hash: " OLD " # old\n  - path: /b\n    hash: \"sha256:" NEW "\"\n\n# end\n"},
		{"n", "/b", WHITELIST_ADDED, "version: 1\nplugins:\n- {path: /a, hash: " OLD "}",
		 "version: 1\nplugins:\n- {path: /a, hash: " OLD
		 "}\n- name: n\n  path: /b\n  hash: \"sha256:" NEW "\"\n"},
		{NULL, "/b", WHITELIST_ADDED, "plugins: [] # none yet\nversion: 1\n",
		 "plugins:  # none yet\n  - path: /b\n    hash: \"sha256:" NEW "\"\nversion: 1\n"},
		{NULL, "/b", WHITELIST_ADDED, "version: 1\nplugins:\n",
		 "version: 1\nplugins:\n  - path: /b\n    hash: \"sha256:" NEW "\"\n"},
		{NULL, "/b", WHITELIST_ADDED,
		 "version: 1\nplugins: [{path: /a, hash: " OLD "}]\n# end\n",
		 "version: 1\nplugins: [{path: /a, hash: " OLD "}, {path: /b, hash: \"sha256:" NEW
		 "\"}]\n# end\n"},
		{"null", "/a b: #\"c\\", WHITELIST_ADDED, "version: 1\nplugins:\n",
		 "version: 1\nplugins:\n  - name: \"null\"\n    path: \"/a b: #\\\"c\\\\\"\n"
		 "    hash: \"sha256:" NEW "\"\n"},
		{NULL, "/ü", WHITELIST_ADDED,
		 "version: 1\nplugins:\n  - hash: " OLD "\n    path: /ö # ä\n    metadata:\n"
		 "      who: \"müller\"\n# end\n",
		 "version: 1\nplugins:\n  - hash: " OLD "\n    path: /ö # ä\n    metadata:\n"
		 "      who: \"müller\"\n  - path: \"/ü\"\n    hash: \"sha256:" NEW "\"\n# end\n"},
		{"other", "/a", WHITELIST_REPLACED,
		 "version: 1\nplugins:\n  - hash: \"sha256:" OLD "\" # of May\n"
		 "    name: mine\n    path: '/a'\n    enabled: false # for now\n",
		 "version: 1\nplugins:\n  - hash: \"sha256:" NEW "\" # of May\n"
		 "    name: mine\n    path: '/a'\n    enabled: true # for now\n"},
		{NULL, "/a", WHITELIST_REPLACED,
		 "version: 1\nplugins: [{path: /a, enabled: false, hash: '" NEW "'}]\n",
		 "version: 1\nplugins: [{path: /a, enabled: true, hash: 'sha256:" NEW "'}]\n"},
		{NULL, "/a", WHITELIST_UNCHANGED,
		 "version: 1\r\nplugins: \r\n - path: /a\r\n   hash: " NEW "\r\n",
		 "version: 1\r\nplugins: \r\n - path: /a\r\n   hash: " NEW "\r\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct whitelist_pin pin = pin_of(rows[i].name, rows[i].path);
		enum whitelist_change change;
		struct err err = {0};
		struct buf out = {0};

		if (whitelist_edit(str_from(rows[i].before), "w.yaml", &pin, &out, &change, &err) <
		    0)
			fail_msg("row %zu: %s", i, err.text);
		buf_append(&out, "", 1);
		assert_string_equal((char *)buf_front(&out), rows[i].after);
		assert_int_equal(change, rows[i].change);
		buf_deinit(&out);
	}
}

static void refuses_to_edit_what_it_does_not_understand(void **state)
{
	static const struct {
		const char *name;
		const char *path;
		const char *text;
		const char *says;
	} rows[] = {
		{NULL, "/b", "version: 1\nplugins:\n  - path: /a\n", "w.yaml:3: the entry has no"},
		{NULL, "/b", "{version: 1, plugins: []}\n", "w.yaml:"},
		{NULL, "b", "version: 1\nplugins:\n", "w.yaml:3: path 'b' must be absolute"},
		{NULL, "/b\n", "version: 1\nplugins:\n", "w.yaml:"},
		{"n", "/b", "version: 1\nplugins:\n  - {name: n, path: /a, hash: " OLD "}\n",
		 "w.yaml:4: the name 'n' is listed already on line 3"},
		{NULL, "/a", "version: 1\nplugins:\n  - path: /a\n    hash: >-\n      " OLD "\n",
		 "w.yaml: the file is written in a way that can't be edited safely"},
		{NULL, "/a",
		 "version: 1\nplugins:\n  - path: /a\n    hash: \"sha256\\x3a" OLD "\"\n",
		 "w.yaml: the file is written in a way that can't be edited safely"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct whitelist_pin pin = pin_of(rows[i].name, rows[i].path);
		enum whitelist_change change;
		struct err err = {0};
		struct buf out = {0};

		if (whitelist_edit(str_from(rows[i].text), "w.yaml", &pin, &out, &change, &err) ==
		    0)
			fail_msg("row %zu: %.*s", i, (int)buf_len(&out), buf_front(&out));
		if (strncmp(err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("row %zu: '%s'", i, err.text);
		buf_deinit(&out);
	}
}

static void removes_only_the_entry(void **state)
{
	static const struct {
		const char *what;
		int rc;
		const char *before;
		const char *after;
	} rows[] = {
		{"/a", 0,
		 "# top\nversion: 1\nplugins:\n  # about a\n  - path: /a # why a\n"
		 "    hash: " OLD " # old\n    metadata: {x: y}\n\n  # about b\n  - path: /b\n"
		 "    hash: " OLD "\n",
		 "# top\nversion: 1\nplugins:\n  # about a\n\n  # about b\n  - path: /b\n"
		 "    hash: " OLD "\n"},
		{"bee", 0,
		 "version: 1\nplugins:\n- {path: /a, hash: " OLD
		 "}\n- {name: bee, path: /b, hash: " OLD "}\n",
		 "version: 1\nplugins:\n- {path: /a, hash: " OLD "}\n"},
		{"/a", 0, "plugins:\n- path: /a\n  hash: " OLD "\nversion: 1 # one\n",
		 "plugins:\nversion: 1 # one\n"},
		{"/a", 0,
		 "version: 1\nplugins: [{path: /a, hash: " OLD "}, {path: /b, hash: " OLD "}]",
		 "version: 1\nplugins: [{path: /b, hash: " OLD "}]"},
		{"/b", 0,
		 "version: 1\nplugins: [{path: /a, hash: " OLD "}, {path: /b, hash: " OLD "}]",
		 "version: 1\nplugins: [{path: /a, hash: " OLD "}]"},
		{"/a", 0, "version: 1\nplugins: [{path: /a, hash: " OLD "}]\n",
		 "version: 1\nplugins: []\n"},
		{"/c", -ENOENT, "version: 1\nplugins: []\n", NULL},
		{"/a", -EINVAL, "version: 1\nplugins:\n  -\n    path: /a\n    hash: " OLD "\n",
		 NULL},
		{"/a", -EINVAL, "version: 1\n", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		struct buf out = {0};
		int rc = whitelist_remove(str_from(rows[i].before), "w.yaml", rows[i].what, &out,
					  &err);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %d %s", i, rc, err.text);
		buf_append(&out, "", 1);
		if (rows[i].after)
			assert_string_equal((char *)buf_front(&out), rows[i].after);
		buf_deinit(&out);
	}
}

static void writes_metadata_of_a_new_entry(void **state)
{
	static const struct whitelist_metadata metadata[] = {{"owner", "team a"}, {"n", "null"}};
	struct whitelist_pin pin = pin_of(NULL, "/b");
	enum whitelist_change change;
	struct err err = {0};
	struct buf out = {0};
	struct buf again = {0};
	struct str text;

	pin.metadata = metadata;
	pin.metadata_count = 2;
	assert_int_equal(whitelist_edit(STR_LITERAL("version: 1\nplugins:\n"), "w.yaml", &pin, &out,
					&change, &err),
			 0);
	buf_append(&out, "", 1);
	assert_string_equal((char *)buf_front(&out),
			    "version: 1\nplugins:\n  - path: /b\n    hash: \"sha256:" NEW
			    "\"\n    metadata: {owner: \"team a\", n: \"null\"}\n");
	text = str_from((char *)buf_front(&out));
	assert_int_equal(whitelist_edit(text, "w.yaml", &pin, &again, &change, &err), 0);
	assert_int_equal(change, WHITELIST_UNCHANGED);
	pin.metadata = &(struct whitelist_metadata){"owner", "team b"};
	pin.metadata_count = 1;
	assert_int_equal(whitelist_edit(text, "w.yaml", &pin, &again, &change, &err), -EINVAL);
	assert_non_null(strstr(err.text, "owner: team b"));
	buf_deinit(&out);
	buf_deinit(&again);
}

/* ---- the file ---- */

struct fixture {
	char directory[64];
	char list[96];
	char program[96];
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->directory, "/tmp/plugd-whitelist-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->list, sizeof(f->list), "%s/whitelist.yaml", f->directory);
	snprintf(f->program, sizeof(f->program), "%s/program", f->directory);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static enum whitelist_change pin_program(struct fixture *f, const char *name)
{
	struct whitelist_pin pin = {.name = name, .path = f->program};
	enum whitelist_change change = WHITELIST_UNCHANGED;
	struct exec_image *image;

	assert_int_equal(exec_image_load_unpinned(f->program, &image, &f->err), 0);
	pin.digest = image->file.digest;
	exec_image_release(image);
	if (whitelist_pin(f->list, &pin, &change, &f->err) < 0)
		fail_msg("%s", f->err.text);
	return change;
}

static struct whitelist *load_list(struct fixture *f)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	if (whitelist_load(f->list, &list, &problems) < 0)
		fail_msg("%s", problems.rows[0].err.text);
	return list;
}

static void what_is_pinned_may_run(void **state)
{
	struct fixture *f = *state;
	struct exec_image *image;
	struct whitelist *list;

	write_file(f->program, "one", 0755);
	assert_int_equal(pin_program(f, "echo"), WHITELIST_ADDED);
	assert_int_equal(pin_program(f, "echo"), WHITELIST_UNCHANGED);
	write_file(f->program, "two", 0755);
	assert_int_equal(pin_program(f, "echo"), WHITELIST_REPLACED);
	list = load_list(f);
	assert_int_equal(whitelist_count(list), 1);
	assert_int_equal(exec_image_load(&(struct guard){.whitelist = list}, f->program, "echo",
					 &image, &f->err),
			 0);
	exec_image_release(image);
	whitelist_free(list);
}

static void pinning_keeps_the_mode_and_leaves_no_other_file(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	char link[96];
	char list[96];
	int before = fd_count();

	write_file(f->program, "one", 0755);
	pin_program(f, "echo");
	assert_int_equal(stat(f->list, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);

	snprintf(link, sizeof(link), "%s/link", f->directory);
	strcpy(list, f->list);
	assert_int_equal(chmod(list, 0640), 0);
	assert_int_equal(symlink("whitelist.yaml", link), 0);
	write_file(f->program, "two", 0755);
	strcpy(f->list, link);
	assert_int_equal(pin_program(f, "echo"), WHITELIST_REPLACED);
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat(link, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(stat(f->directory, &status), 0);
	assert_int_equal(fd_count(), before);

	unlink(link);
	unlink(f->program);
	unlink(list);
	assert_int_equal(rmdir(f->directory), 0); /* nothing else was left in it */
	assert_int_equal(mkdir(f->directory, 0700), 0);
}

static void who_reads_meanwhile_reads_the_whole_old_text(void **state)
{
	struct fixture *f = *state;
	char before[1024];
	char after[1024];
	ssize_t len;
	int fd;

	write_file(f->program, "one", 0755);
	pin_program(f, "echo");
	fd = open(f->list, O_RDONLY | O_CLOEXEC);
	len = pread(fd, before, sizeof(before), 0);
	write_file(f->program, "two", 0755);
	assert_int_equal(pin_program(f, "echo"), WHITELIST_REPLACED);
	assert_int_equal(pread(fd, after, sizeof(after), 0), len);
	assert_memory_equal(before, after, (size_t)len);
	close(fd);
}

static void a_file_that_can_not_be_trusted_or_read_is_refused(void **state)
{
	struct fixture *f = *state;
	struct whitelist_pin pin = pin_of(NULL, "/a");
	enum whitelist_change change;
	const struct {
		const char *says;
		mode_t mode; /* 0: none there */
		mode_t kind;
	} rows[] = {
		{"No such file or directory", 0, 0},
		{"everybody may write to it", 0666, S_IFREG},
		{"it is not a regular file", 0600, S_IFIFO},
		{"it is not a regular file", 0700, S_IFDIR},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct whitelist_problems problems = {0};
		struct whitelist *list = NULL;

		if (rows[i].kind == S_IFREG)
			write_file(f->list, "version: 1\nplugins: []\n", rows[i].mode);
		else if (rows[i].kind == S_IFIFO)
			assert_int_equal(mkfifo(f->list, rows[i].mode), 0);
		else if (rows[i].kind == S_IFDIR)
			assert_int_equal(mkdir(f->list, rows[i].mode), 0);
		assert_true(whitelist_load(f->list, &list, &problems) < 0);
		assert_int_equal(problems.count, 1);
		assert_int_equal(problems.rows[0].err.code, ERR_WHITELIST_FILE);
		if (!strstr(problems.rows[0].err.text, rows[i].says))
			fail_msg("row %zu: %s", i, problems.rows[0].err.text);
		if (rows[i].mode)
			assert_true(whitelist_pin(f->list, &pin, &change, &f->err) < 0);
		whitelist_problems_deinit(&problems);
		remove(f->list);
	}
}

/* ---- verify ---- */

struct results {
	size_t count;
	int codes[8];
};

static void on_result(void *user, const struct whitelist_entry *entry, const struct err *err)
{
	struct results *results = user;

	results->codes[results->count++] = err->code;
}

static void verify_tells_the_result_of_each_entry(void **state)
{
	struct fixture *f = *state;
	struct results results = {0};
	struct whitelist *list;
	char more[512];
	FILE *file;

	write_file(f->program, "one", 0755);
	pin_program(f, NULL);
	snprintf(more, sizeof(more),
		 "  - {path: /bin/true, hash: " NEW "}\n"
		 "  - {path: /bin/false, hash: " NEW ", enabled: false}\n"
		 "  - {path: /no/such/file, name: x, hash: " NEW "}\n");
	file = fopen(f->list, "ae");
	fputs(more, file);
	fclose(file);
	list = load_list(f);
	assert_int_equal(whitelist_verify(list, on_result, &results), 2);
	assert_int_equal(results.count, 4);
	assert_int_equal(results.codes[0], 0);
	assert_int_equal(results.codes[1], ERR_WHITELIST_MISMATCH);
	assert_int_equal(results.codes[2], ERR_WHITELIST_DISABLED);
	assert_int_equal(results.codes[3], ERR_EXECUTABLE_REFUSED);
	whitelist_free(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_only_what_it_must),
		cmocka_unit_test(refuses_to_edit_what_it_does_not_understand),
		cmocka_unit_test(removes_only_the_entry),
		cmocka_unit_test(writes_metadata_of_a_new_entry),
		TEST(what_is_pinned_may_run),
		TEST(pinning_keeps_the_mode_and_leaves_no_other_file),
		TEST(who_reads_meanwhile_reads_the_whole_old_text),
		TEST(a_file_that_can_not_be_trusted_or_read_is_refused),
		TEST(verify_tells_the_result_of_each_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
