/* Remembering the highest serial. A file that can't be understood or written refuses the list: the
 * promise that nobody goes back would be gone unnoticed else. Called by whitelist_signed.c with a
 * list that is good in every other way. */
#include "trust/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "observe/errors.h"
#include "trust/file_replace.h"
#include "trust/signature.h"

#define FILE_BYTES 256

/* Takes "<name>: <value>\n" from the front. */
static bool take_line(struct str *text, struct str name, struct str *value_out)
{
	const char *newline = memchr(text->data, '\n', text->len);
	struct str line = {text->data, newline ? (size_t)(newline - text->data) : 0};

	if (!newline || !str_starts_with(line, name))
		return false;
	*value_out = (struct str){line.data + name.len, line.len - name.len};
	*text = (struct str){newline + 1, text->len - line.len - 1};
	return true;
}

static bool parse(struct str text, uint64_t *serial_out, struct digest *digest_out)
{
	struct str serial;
	struct str digest;

	return take_line(&text, STR_LITERAL("serial: "), &serial) &&
	       take_line(&text, STR_LITERAL("sha256: "), &digest) && text.len == 0 &&
	       str_to_u64(serial, SIGNATURE_MAX_SERIAL, serial_out) &&
	       str_unhex(digest, digest_out->bytes, sizeof(digest_out->bytes));
}

/* *serial_out is 0 when there is no file. */
static int recall(const char *file, uint64_t *serial_out, struct digest *digest_out,
		  struct err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[FILE_BYTES];
	ssize_t len;

	*serial_out = 0;
	if (fd < 0 && errno == ENOENT)
		return 0;
	len = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (len < 0) {
		int rc = err_set_errno(err, ERR_SERIAL_FILE, errno, "%s", file);

		fd_close(&fd);
		return rc;
	}
	fd_close(&fd);
	if (parse((struct str){text, (size_t)len}, serial_out, digest_out))
		return 0;
	return err_set(err, ERR_SERIAL_FILE,
		       "%s does not say a serial, so it can't be told whether this whitelist is an "
		       "older one; restore the file, or remove it to believe the next list",
		       file);
}

static int remember(const char *file, uint64_t serial, const struct digest *digest, struct err *err)
{
	char hex[2 * DIGEST_BYTES + 1];
	char text[FILE_BYTES];
	int len;
	int rc;

	str_hex(hex, digest->bytes, sizeof(digest->bytes));
	len = snprintf(text, sizeof(text), "serial: %" PRIu64 "\nsha256: %s\n", serial, hex);
	rc = file_write(file, (struct str){text, (size_t)len}, 0600);
	if (rc < 0)
		err_set_errno(err, ERR_SERIAL_FILE, -rc,
			      "the serial %" PRIu64 " can't be remembered in %s", serial, file);
	return rc;
}

int serial_accept(const char *file, uint64_t serial, const struct digest *digest, struct err *err)
{
	struct digest known;
	uint64_t highest;
	int rc = recall(file, &highest, &known, err);

	if (rc < 0)
		return rc;
	if (serial > highest)
		return remember(file, serial, digest, err);
	if (serial < highest) {
		err_set(err, ERR_SIGNATURE_SERIAL,
			"the whitelist has the serial %" PRIu64 ", but %" PRIu64
			" was accepted already (%s)",
			serial, highest, file);
		return -EACCES;
	}
	if (!digest_eq(digest, &known)) {
		err_set(err, ERR_SIGNATURE_SERIAL,
			"the serial %" PRIu64 " was accepted already for another text (%s)", serial,
			file);
		return -EACCES;
	}
	return 0;
}
