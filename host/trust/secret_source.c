/* Reads a secret, straight into memory that is locked; what a file must be is base/private_file's
 * business. Owns nothing. Called by plugin/secrets. */
#include "trust/secret_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/private_file.h"
#include "observe/errors.h"

#define CREDENTIALS_VARIABLE "CREDENTIALS_DIRECTORY"

static int check_size(const char *what, uint64_t bytes, struct err *err)
{
	if (bytes == 0)
		return err_set(err, ERR_SECRET_SIZE, "%s is empty", what);
	if (bytes > SECRET_MAX_BYTES)
		return err_set(err, ERR_SECRET_SIZE, "%s has more than 64 KiB", what);
	return 0;
}

static int read_file(const char *path, struct secret *out, struct err *err)
{
	static const struct private_file_codes codes = {ERR_SECRET_MISSING, ERR_SECRET_UNSAFE,
							ERR_SECRET_SIZE};

	return private_file_read(path, SECRET_MAX_BYTES, &codes, out, err);
}

static int read_variable(const char *name, struct secret *out, struct err *err)
{
	const char *value = getenv(name);
	char *what;
	int r;

	if (!value)
		return err_set(err, ERR_SECRET_MISSING,
			       "the environment of plugd has no variable %s", name);
	what = mem_printf("the variable %s of plugd's environment", name);
	r = check_size(what, strlen(value), err);
	free(what);
	if (r < 0)
		return r;
	*out = secret_alloc(strlen(value));
	memcpy(out->data, value, out->len);
	return 0;
}

static int read_credential(const char *name, struct secret *out, struct err *err)
{
	const char *directory = getenv(CREDENTIALS_VARIABLE);
	char *path;
	int r;

	if (!directory || directory[0] != '/')
		return err_set(err, ERR_SECRET_MISSING,
			       "there is no credential %s: " CREDENTIALS_VARIABLE
			       " is not set, because plugd was not started by systemd with "
			       "LoadCredential= or SetCredential=",
			       name);
	path = mem_printf("%s/%s", directory, name);
	r = read_file(path, out, err);
	free(path);
	return r;
}

int secret_source_read(const char *source, struct secret *out, struct err *err)
{
	static const struct {
		const char *kind;
		int (*read)(const char *rest, struct secret *out, struct err *err);
	} kinds[] = {
		{"file:", read_file}, {"env:", read_variable}, {"credential:", read_credential}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].kind);

		if (strncmp(source, kinds[i].kind, len) == 0)
			return kinds[i].read(source + len, out, err);
	}
	return err_set(err, ERR_SECRET_MISSING, "\"%s\" is no source of a secret", source);
}
