/* Any list of secrets with their sources, and any bytes at a source: each secret is had as it is,
 * or none of them, with a sentence that tells no byte of a value.
 *
 * Input: "name=source" rows, each ended by a newline, an empty row, and what lies in the file, in
 * the variable and in the credential that rows may name: file:value (made absolute), env:FUZZ,
 * credential:value. Other files are not opened. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "observe/errors.h"
#include "plugin/secrets.h"
#include "trust/secret_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ROWS 80

static char directory[] = "/tmp/secrets-fuzz-XXXXXX";
static char file[sizeof(directory) + sizeof("/value")];

static void remove_all(void)
{
	unlink(file);
	rmdir(directory);
}

static void make_directory(void)
{
	if (file[0])
		return;
	if (!mkdtemp(directory))
		abort();
	snprintf(file, sizeof(file), "%s/value", directory);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	atexit(remove_all);
}

/* An empty file and an empty variable are sources too; a variable ends at its first NUL. */
static void put_value(struct str value)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *text = mem_strndup(value);

	if (fd < 0 || fd_write_all(fd, value.data, value.len) < 0)
		abort();
	close(fd);
	setenv("FUZZ", text, 1);
	free(text);
}

/* Returns owned; NULL: it would open something that isn't ours. */
static char *make_row(struct str row)
{
	char *text = mem_strndup(row);
	char *source = strchr(text, '=');
	char *whole = NULL;

	if (source && strcmp(source, "=file:value") == 0)
		whole = mem_printf("%.*s=file:%s", (int)(source - text), text, file);
	else if (!source || (strncmp(source, "=file:", 6) != 0 &&
			     (strncmp(source, "=credential:", 12) != 0 || !strchr(source, '/'))))
		whole = mem_strdup(text);
	free(text);
	return whole;
}

static size_t take_rows(struct str *text, char **rows)
{
	const char *newline;
	size_t count = 0;

	while ((newline = memchr(text->data, '\n', text->len)) && newline > text->data) {
		size_t len = (size_t)(newline - text->data);
		char *row = count < MAX_ROWS ? make_row((struct str){text->data, len}) : NULL;

		if (row)
			rows[count++] = row;
		*text = (struct str){newline + 1, text->len - len - 1};
	}
	if (newline)
		*text = (struct str){text->data + 1, text->len - 1};
	return count;
}

static void check_loaded(const struct secrets *secrets, char **rows, size_t count, struct str value)
{
	size_t bytes = 0;

	assert(secrets_count(secrets) == count && count <= SECRETS_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *source = strchr(rows[i], '=');
		struct wire_bytes got = secrets_value(secrets, i);

		assert(str_eq(str_from(secrets_name(secrets, i)),
			      (struct str){rows[i], (size_t)(source - rows[i])}));
		assert(got.len > 0 && got.len <= SECRET_MAX_BYTES && got.len <= value.len);
		assert(memcmp(got.data, value.data, got.len) == 0);
		assert(got.len == value.len || strcmp(source, "=env:FUZZ") == 0);
		bytes += got.len;
	}
	assert(bytes <= SECRETS_MAX_BYTES);
}

/* A short value stands in any sentence. */
static void check_refused(const struct err *err, struct str value)
{
	assert(err->code == ERR_SECRET_MISSING || err->code == ERR_SECRET_SIZE ||
	       err->code == ERR_SECRET_UNSAFE);
	assert(err->text[0]);
	assert(value.len < 100 || !memmem(err->text, strlen(err->text), value.data, value.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	char *rows[MAX_ROWS + 1] = {NULL};
	struct secrets *secrets;
	struct err err = {0};
	size_t count;

	make_directory();
	count = size > 0 ? take_rows(&text, rows) : 0;
	put_value(text);
	if (secrets_load(rows, &secrets, &err) == 0)
		check_loaded(secrets, rows, count, text);
	else
		check_refused(&err, text);
	secrets_release(secrets);
	for (size_t i = 0; i < count; i++)
		free(rows[i]);
	return 0;
}
