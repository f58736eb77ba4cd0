/* What a plugin writes to its standard error.
 *
 * Owns the descriptor, the line that has begun and the last ones that were whole. One read per
 * wake-up, so a flood costs its writer and not the other plugins; what the log can't take it drops
 * and counts itself. */
#include "plugin/textlog.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define READ_BYTES (16u << 10)

/* What is read at most after the process has ended: a pipe's capacity, and some. */
#define LAST_READS 32

/* The oldest lines make room. A line is shorter than the tail, so some of it always fits. */
static void remember(struct textlog *textlog, struct str line)
{
	struct buf *tail = &textlog->tail;

	buf_append(tail, line.data, line.len);
	buf_append(tail, "\n", 1);
	while (buf_len(tail) > TEXTLOG_TAIL_BYTES) {
		const char *text = (const char *)buf_front(tail);
		const char *newline = memchr(text, '\n', buf_len(tail));

		buf_consume(tail, (size_t)(newline - text) + 1);
	}
}

static void keep_line(struct textlog *textlog, struct str line)
{
	remember(textlog, line);
	if (!log_is_on(textlog->log, LOG_INFO))
		return;
	log_write_bulk(textlog->log, LOG_INFO, "plugin.stderr", line,
		       (const struct log_field[]){LOG_STR("plugin", textlog->plugin),
						  LOG_STR("instance", textlog->instance),
						  {LOG_FIELD_END}});
}

/* Without secrets, from here on. */
static void log_line(struct textlog *textlog, struct str line)
{
	struct buf scratch = {0};

	while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n'))
		line.len--;
	if (line.len > 0)
		line = redact(textlog->redactor, line, false, &scratch);
	if (line.len > TEXTLOG_LINE_BYTES) /* names may be longer than what they stand for */
		line.len = TEXTLOG_LINE_BYTES;
	if (line.len > 0)
		keep_line(textlog, line);
	buf_deinit(&scratch);
}

static void log_lines(struct textlog *textlog, bool all)
{
	for (;;) {
		size_t len = buf_len(&textlog->in);
		const char *text = (const char *)buf_front(&textlog->in);
		const char *newline = len ? memchr(text, '\n', len) : NULL;
		size_t line = newline ? (size_t)(newline - text) + 1 : len;

		if (line >= TEXTLOG_LINE_BYTES)
			line = redact_cut(textlog->redactor, (struct str){text, len},
					  TEXTLOG_LINE_BYTES);
		else if (!newline && !(all && len > 0) && len < TEXTLOG_LINE_BYTES)
			return;
		log_line(textlog, (struct str){text, line});
		buf_consume(&textlog->in, line);
	}
}

/* False at the end of the stream, and when nothing is there. */
static bool read_some(struct textlog *textlog)
{
	ssize_t n = read(textlog->fd, buf_reserve(&textlog->in, READ_BYTES), READ_BYTES);

	if (n > 0) {
		buf_commit(&textlog->in, (size_t)n);
		log_lines(textlog, false);
	}
	return n > 0;
}

static void on_readable(void *user, bool readable, bool writable)
{
	struct textlog *textlog = user;

	errno = 0;
	if (!read_some(textlog) && errno != EAGAIN && errno != EINTR)
		textlog_close(textlog);
	else
		buf_shrink(&textlog->in, 0);
}

void textlog_open(struct textlog *textlog, struct loop *loop, int fd)
{
	textlog->fd = fd;
	loop_io_init(&textlog->io, loop, fd, on_readable, textlog);
	loop_io_want(&textlog->io, true, false);
}

void textlog_close(struct textlog *textlog)
{
	if (textlog->fd < 0)
		return;
	for (int i = 0; i < LAST_READS && read_some(textlog); i++)
		;
	log_lines(textlog, true);
	buf_deinit(&textlog->in);
	loop_io_want(&textlog->io, false, false);
	fd_close(&textlog->fd);
}

void textlog_deinit(struct textlog *textlog)
{
	buf_deinit(&textlog->tail);
}

struct str textlog_tail(const struct textlog *textlog)
{
	return (struct str){(const char *)buf_front(&textlog->tail), buf_len(&textlog->tail)};
}
