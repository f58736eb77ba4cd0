/* Secrets are read from their sources, every byte of them, into memory that is kept for them; what
 * is no secret any more is refused, and no message ever has a value in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

#include "base/mem.h"
#include "base/secret.h"
#include "observe/errors.h"
#include "plugin/secrets.h"
#include "trust/secret_source.h"

#define VALUE "hunter2-hunter2"

static char directory[] = "/tmp/secrets-XXXXXX";

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", directory, name);
}

static void put_file(const char *name, const void *data, size_t len, mode_t mode)
{
	char *path = path_of(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

/* Loads "db=<source>", in which %s is the directory. */
static int load(const char *source, struct secrets **out, struct err *err)
{
	char text[512];
	char *sources[] = {text, NULL};
	const char *place = strstr(source, "%s");

	if (place)
		snprintf(text, sizeof(text), "db=%.*s%s%s", (int)(place - source), source,
			 directory, place + 2);
	else
		snprintf(text, sizeof(text), "db=%s", source);
	return secrets_load(sources, out, err);
}

static void every_source_gives_every_byte(void **state)
{
	static const char binary[] = "\0\n\377 x\n";
	static const char *const sources[] = {"file:%s/binary", "credential:binary",
					      "file:%s/link"};
	struct secrets *secrets;
	struct err err;
	char *link = path_of("link");

	put_file("binary", binary, sizeof(binary), 0640);
	assert_int_equal(symlink("binary", link), 0);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		assert_int_equal(load(sources[i], &secrets, &err), 0);
		assert_int_equal(secrets_count(secrets), 1);
		assert_string_equal(secrets_name(secrets, 0), "db");
		assert_int_equal(secrets_value(secrets, 0).len, sizeof(binary));
		assert_memory_equal(secrets_value(secrets, 0).data, binary, sizeof(binary));
		assert_non_null(secrets_redactor(secrets));
		secrets_release(secrets);
	}
	setenv("DB_PASSWORD", VALUE, 1);
	assert_int_equal(load("env:DB_PASSWORD", &secrets, &err), 0);
	assert_int_equal(secrets_value(secrets, 0).len, strlen(VALUE));
	assert_ptr_equal(secrets_hold(secrets), secrets);
	secrets_release(secrets);
	assert_memory_equal(secrets_value(secrets, 0).data, VALUE, strlen(VALUE));
	secrets_release(secrets);
	unlink(link);
	free(link);
}

static void what_is_no_secret_is_refused(void **state)
{
	static const struct {
		const char *source;
		int code;
		const char *says;
	} rows[] = {
		{"file:%s/nothing", ERR_SECRET_MISSING, "No such file"},
		{"file:%s/world", ERR_SECRET_UNSAFE, "mode 0604"},
		{"file:%s/executable", ERR_SECRET_UNSAFE, "mode 0601"},
		{"file:%s/group", ERR_SECRET_UNSAFE, "written by its group (mode 0660)"},
		{"file:%s/stranger", ERR_SECRET_UNSAFE, "belongs to user 12345"},
		{"file:%s", ERR_SECRET_UNSAFE, "not a regular file"},
		{"file:%s/fifo", ERR_SECRET_UNSAFE, "not a regular file"},
		{"file:%s/empty", ERR_SECRET_SIZE, "is empty"},
		{"file:%s/large", ERR_SECRET_SIZE, "more than 64 KiB"},
		{"env:NOBODY_SET_THIS", ERR_SECRET_MISSING, "no variable NOBODY_SET_THIS"},
		{"env:EMPTY", ERR_SECRET_SIZE, "is empty"},
		{"credential:world", ERR_SECRET_UNSAFE, "chmod 600"},
		{"credential:nothing", ERR_SECRET_MISSING, "No such file"},
	};
	char *large = mem_zalloc(SECRET_MAX_BYTES + 1);
	char *fifo = path_of("fifo");
	char *stranger = path_of("stranger");
	struct secrets *secrets;
	struct err err;

	put_file("world", VALUE, strlen(VALUE), 0604);
	put_file("executable", VALUE, strlen(VALUE), 0601);
	put_file("group", VALUE, strlen(VALUE), 0660);
	put_file("stranger", VALUE, strlen(VALUE), 0600);
	put_file("empty", "", 0, 0600);
	put_file("large", large, SECRET_MAX_BYTES + 1, 0600);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	setenv("EMPTY", "", 1);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool takes_root = strstr(rows[i].source, "stranger") != NULL;

		if (takes_root && chown(stranger, 12345, 12345) < 0)
			continue;
		assert_true(load(rows[i].source, &secrets, &err) < 0);
		assert_null(secrets);
		assert_int_equal(err.code, rows[i].code);
		assert_non_null(strstr(err.text, rows[i].says));
		assert_non_null(strstr(err.text, "secret db: "));
		assert_null(strstr(err.text, VALUE));
	}
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(load("credential:world", &secrets, &err) < 0);
	assert_non_null(strstr(err.text, "not started by systemd"));
	free(large);
	free(fifo);
	free(stranger);
}

static void together_they_have_a_limit(void **state)
{
	char *sources[] = {(char *)"a=env:LARGE", (char *)"b=env:LARGE", (char *)"c=env:LARGE",
			   (char *)"d=env:LARGE", (char *)"e=env:LARGE", NULL};
	char *large = mem_zalloc(SECRET_MAX_BYTES + 1);
	struct secrets *secrets;
	struct err err;

	memset(large, 'x', SECRET_MAX_BYTES);
	setenv("LARGE", large, 1);
	assert_true(secrets_load(sources, &secrets, &err) < 0);
	assert_int_equal(err.code, ERR_SECRET_SIZE);
	assert_non_null(strstr(err.text, "secret e: "));
	sources[4] = NULL;
	assert_int_equal(secrets_load(sources, &secrets, &err), 0);
	assert_int_equal(secrets_count(secrets), 4);
	secrets_release(secrets);
	free(large);
}

/* VmFlags of the mapping that holds `address`. Returns owned. */
static char *flags_of(const void *address)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool is_it = false;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_it = (unsigned long)address >= from && (unsigned long)address < to;
		else if (is_it && strncmp(line, "VmFlags:", 8) == 0)
			break;
	}
	fclose(file);
	return mem_strdup(line);
}

static void their_memory_is_locked_and_in_no_dump(void **state)
{
	struct secret secret = secret_alloc(5000);
	char *flags = flags_of(secret.data);

	assert_true(secret.is_locked);
	assert_non_null(strstr(flags, " lo")); /* locked */
	assert_non_null(strstr(flags, " dd")); /* not dumped */
	assert_non_null(strstr(flags, " wf")); /* wiped on fork */
	free(flags);
	secret_free(&secret);
	assert_null(secret.data);
	secret_free(&secret);
}

static void whoever_has_secrets_dumps_no_core(void **state)
{
	struct rlimit limit;
	struct secrets *secrets;
	struct err err;

	setenv("DB_PASSWORD", VALUE, 1);
	assert_int_equal(load("env:DB_PASSWORD", &secrets, &err), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(limit.rlim_max, 0);
	secrets_release(secrets);
}

static void no_secrets_change_nothing(void **state)
{
	char *none[] = {NULL};
	struct secrets *secrets;
	struct err err;

	assert_int_equal(secrets_load(NULL, &secrets, &err), 0);
	assert_null(secrets);
	assert_int_equal(secrets_load(none, &secrets, &err), 0);
	assert_null(secrets);
	assert_int_equal(secrets_count(NULL), 0);
	assert_true(secrets_are_locked(NULL));
	assert_null(secrets_redactor(NULL));
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"binary",	"world", "executable", "group",
					    "stranger", "empty", "large",      "fifo"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char *path = path_of(names[i]);

		unlink(path);
		free(path);
	}
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secrets_change_nothing), /* first: the rest forbids dumps */
		cmocka_unit_test(every_source_gives_every_byte),
		cmocka_unit_test(what_is_no_secret_is_refused),
		cmocka_unit_test(together_they_have_a_limit),
		cmocka_unit_test(their_memory_is_locked_and_in_no_dump),
		cmocka_unit_test(whoever_has_secrets_dumps_no_core),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
