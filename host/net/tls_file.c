/* Reads files of TLS that are no secret. Called by what parses them. */
#include "net/tls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include "base/fd.h"

#define MAX_BYTES (4u << 20)

static int read_open(int fd, const char *path, int code, struct buf *out, struct err *err)
{
	struct stat facts;
	int r;

	if (fstat(fd, &facts) < 0)
		return err_set_errno(err, code, errno, "%s", path);
	if (!S_ISREG(facts.st_mode))
		return err_set(err, code, "%s is not a regular file", path);
	if (facts.st_size == 0 || facts.st_size > (off_t)MAX_BYTES)
		return err_set(err, code, "%s is empty, or has more than %u MiB", path,
			       MAX_BYTES >> 20);
	r = fd_read_all(fd, buf_reserve(out, (size_t)facts.st_size), (size_t)facts.st_size);
	if (r < 0)
		return err_set_errno(err, code, -r, "reading %s", path);
	buf_commit(out, (size_t)facts.st_size);
	return 0;
}

/* Not blocking: a FIFO must not hold the host up before it is seen for what it is. */
int tls_file_read(const char *path, int code, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	*out = (struct buf){0};
	if (fd < 0)
		return err_set_errno(err, code, errno, "%s", path);
	r = read_open(fd, path, code, out, err);
	fd_close(&fd);
	if (r < 0)
		buf_deinit(out);
	return r;
}

const char *tls_file_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "OpenSSL does not say why";
}
