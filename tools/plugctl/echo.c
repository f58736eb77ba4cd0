/* What a plugin says while it is checked. The host's code tells it to a log; here the log writes
 * JSON lines into a pipe, whose other end shows those that are the plugin's own words. */
#include "echo.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "output.h"

#define READ_BYTES ((size_t)64 << 10)

static void show_line(const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	const char *event = output_member(line, "event");

	if (strcmp(event, "plugin.stderr") == 0)
		output_note("stderr", output_member(line, "msg"));
	else if (strcmp(event, "plugin.log") == 0)
		output_note(output_member(line, "level"), output_member(line, "msg"));
	json_decref(line);
}

static void show_lines(struct echo *echo)
{
	const char *end;

	while (buf_len(&echo->in) > 0 &&
	       (end = memchr(buf_front(&echo->in), '\n', buf_len(&echo->in)))) {
		size_t len = (size_t)(end - (const char *)buf_front(&echo->in));

		show_line((const char *)buf_front(&echo->in), len);
		buf_consume(&echo->in, len + 1);
	}
}

/* False when nothing is there. */
static bool read_some(struct echo *echo)
{
	ssize_t got = read(echo->read_fd, buf_reserve(&echo->in, READ_BYTES), READ_BYTES);

	if (got > 0)
		buf_commit(&echo->in, (size_t)got);
	show_lines(echo);
	return got > 0;
}

static void on_readable(void *user, bool readable, bool writable)
{
	read_some(user);
}

int echo_open(struct echo *echo, struct loop *loop, struct err *err)
{
	int fds[2];
	int r = fd_pipe(fds);

	if (r < 0)
		return err_set_errno(err, 0, -r, "no pipe");
	fd_set_nonblock(fds[0], true);
	*echo = (struct echo){.read_fd = fds[0], .write_fd = fds[1]};
	echo->log = log_new(&(struct log_opts){
		.fd = fds[1], .level = LOG_DEBUG, .format = LOG_FORMAT_JSON, .loop = loop});
	loop_io_init(&echo->io, loop, echo->read_fd, on_readable, echo);
	loop_io_want(&echo->io, true, false);
	return 0;
}

void echo_close(struct echo *echo)
{
	log_free(echo->log);
	fd_close(&echo->write_fd);
	while (read_some(echo))
		;
	loop_io_want(&echo->io, false, false);
	fd_close(&echo->read_fd);
	buf_deinit(&echo->in);
}
