/* The log's way out: a bounded buffer that is written at the end of a loop's turn, or at once
 * without a loop.
 *
 * It owns the buffer and nothing else; the descriptor is borrowed and often shared (stderr), so its
 * flags are not touched: poll() says whether a write can block, and a write is never longer than
 * what POLLOUT promises. Lines that find no room are dropped and counted. Never blocks while the
 * loop runs, never fails, never splits a line. */
#include "observe/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "observe/log_line.h"

#define BUFFER_BYTES (128u << 10)
#define BULK_BYTES   (96u << 10) /* of it, which bulk may fill */
#define RETRY_MS     20		 /* after the reader left no room */
#define PATIENCE_MS  500	 /* with a slow reader, at the end */

struct log {
	struct log_opts opts;
	bool is_file;	  /* a regular file: always takes everything */
	bool has_failed;  /* and on_fail was called */
	bool is_mid_line; /* the last byte written was not a newline */
	uint64_t lost;
	uint64_t lost_told;
	struct log_stamp stamp;
	struct loop_flush flush;
	struct loop_timer retry;
	size_t start; /* buffer[start .. end) waits */
	size_t end;
	char buffer[BUFFER_BYTES];
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

/* ---- out of the buffer ---- */

/* At most PIPE_BUF bytes, which a pipe that polls writable takes whole and unmixed; and whole
 * lines, unless one is longer. */
static size_t piece_length(const struct log *log)
{
	size_t len = log->end - log->start;
	if (log->is_file || len <= PIPE_BUF)
		return len;

	const char *front = log->buffer + log->start;
	const char *newline = memrchr(front, '\n', PIPE_BUF);
	return newline ? (size_t)(newline - front) + 1 : PIPE_BUF;
}

/* 0 when something was written, -EAGAIN when there is no room, or -errno. */
static int write_piece(struct log *log, int wait_ms)
{
	struct pollfd ready = {.fd = log->opts.fd, .events = POLLOUT};

	if (!log->is_file && poll(&ready, 1, wait_ms) <= 0)
		return -EAGAIN;
	ssize_t written = write(log->opts.fd, log->buffer + log->start, piece_length(log));
	if (written < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (written > 0) {
		log->has_failed = false;
		log->start += (size_t)written;
		log->is_mid_line = log->buffer[log->start - 1] != '\n';
	}
	return 0;
}

/* The descriptor is broken (reader gone, disk full): what waits is lost, but a later line must not
 * be glued to the half of one that did get out. */
static void log_discard(struct log *log)
{
	for (size_t i = log->start; i < log->end; i++)
		log->lost += log->buffer[i] == '\n';
	log->start = log->end = 0;
	if (log->is_mid_line)
		log->buffer[log->end++] = '\n';
}

static void log_fail(struct log *log, int errnum)
{
	bool is_news = !log->has_failed;

	log->has_failed = true;
	if (is_news && log->opts.on_fail)
		log->opts.on_fail(log->opts.user, errnum);
}

static void log_drain(struct log *log, int64_t patience_ms)
{
	int64_t give_up_ms = patience_ms > 0 ? clock_mono_ms() + patience_ms : 0;
	int result = 0;

	while (log->start < log->end && result == 0) {
		int64_t left_ms = patience_ms > 0 ? give_up_ms - clock_mono_ms() : 0;
		result = write_piece(log, left_ms > 0 ? (int)left_ms : 0);
	}
	if (log->start == log->end)
		log->start = log->end = 0;
	else if (result != -EAGAIN) {
		log_discard(log);
		log_fail(log, -result);
	} else if (log->opts.loop && !loop_timer_is_active(&log->retry))
		loop_timer_start(&log->retry, RETRY_MS);
}

static void on_drain(void *user)
{
	log_drain(user, 0);
}

/* ---- into the buffer ---- */

/* How much bulk there may be: all, where there is nothing else. */
static size_t bulk_limit(const struct log *log)
{
	return log->opts.is_quiet ? BUFFER_BYTES : BULK_BYTES;
}

/* The buffer is filled up to `limit` at most. False when there is no room for the line. */
static bool log_append_within(struct log *log, size_t limit, const struct log_record *record)
{
	size_t room = log->end < limit ? limit - log->end : 0;
	size_t len = log_line_format(log->buffer + log->end, room, log->opts.format, record,
				     &log->stamp);

	log->end += len;
	return len > 0;
}

/* What waits goes to the front. */
static void log_compact(struct log *log)
{
	if (log->start == 0)
		return;
	memmove(log->buffer, log->buffer + log->start, log->end - log->start);
	log->end -= log->start;
	log->start = 0;
}

static bool log_append(struct log *log, size_t limit, const struct log_record *record)
{
	if (log_append_within(log, limit, record))
		return true;
	if (log->start == 0)
		return false;
	log_compact(log);
	return log_append_within(log, limit, record);
}

/* Tells what was lost before the first line after it. */
static bool log_append_lost(struct log *log, size_t limit, int64_t wall_ms)
{
	if (log->lost == log->lost_told || log->opts.is_quiet)
		return true;

	struct log_field fields[] = {LOG_INT("lines", (int64_t)(log->lost - log->lost_told)),
				     {LOG_FIELD_END}};
	struct log_record record = {
		wall_ms, LOG_WARN, "log.lost",
		STR_LITERAL("lines were dropped because the log's reader is too slow"), fields};
	uint64_t told = log->lost;
	if (!log_append(log, limit, &record))
		return false;
	log->lost_told = told;
	return true;
}

static bool log_append_all(struct log *log, size_t limit, const struct log_record *record)
{
	return log_append_lost(log, limit, record->wall_ms) && log_append(log, limit, record);
}

/* At the end of the turn, or at once. */
static void log_go_out(struct log *log)
{
	if (log->opts.loop)
		loop_flush_queue(log->opts.loop, &log->flush);
	else
		log_drain(log, 0);
}

static void write_within(struct log *log, size_t limit, const struct log_record *record)
{
	if (!log_is_on(log, record->level))
		return;
	if (!log_append_all(log, limit, record)) {
		log_drain(log, 0);
		log->lost += !log_append_all(log, limit, record);
	}
	log_go_out(log);
}

void log_write(struct log *log, enum log_level level, const char *event, struct str message,
	       const struct log_field *fields)
{
	write_within(log, BUFFER_BYTES,
		     &(struct log_record){clock_wall_ms(), level, event, message, fields});
}

void log_write_bulk(struct log *log, enum log_level level, const char *event, struct str message,
		    const struct log_field *fields)
{
	write_within(log, bulk_limit(log),
		     &(struct log_record){clock_wall_ms(), level, event, message, fields});
}

/* False when there is no room. */
static bool log_append_line(struct log *log, struct str line)
{
	size_t limit = bulk_limit(log);

	if (log->end + line.len > limit)
		log_compact(log);
	if (log->end + line.len > limit)
		return false;
	memcpy(log->buffer + log->end, line.data, line.len);
	log->end += line.len;
	return true;
}

void log_write_line(struct log *log, struct str line)
{
	if (!log_append_line(log, line)) {
		log_drain(log, 0);
		log->lost += !log_append_line(log, line);
	}
	log_go_out(log);
}

/* ---- life ---- */

static void log_attach(struct log *log, const struct log_opts *opts)
{
	struct stat status;

	log->opts = *opts;
	log->is_file = fstat(opts->fd, &status) == 0 && S_ISREG(status.st_mode);
	if (opts->loop) {
		loop_flush_init(&log->flush, on_drain, log);
		loop_timer_init(&log->retry, opts->loop, on_drain, log);
	}
}

static void log_detach(struct log *log)
{
	if (!log->opts.loop)
		return;
	loop_flush_cancel(log->opts.loop, &log->flush);
	loop_timer_stop(&log->retry);
}

struct log *log_new(const struct log_opts *opts)
{
	struct log *log = mem_new(struct log);
	log_attach(log, opts);
	return log;
}

void log_apply(struct log *log, const struct log_opts *opts)
{
	log_drain(log, 0);
	log_detach(log);
	log_attach(log, opts);
}

void log_free(struct log *log)
{
	if (!log)
		return;
	log_drain(log, PATIENCE_MS);
	log_detach(log);
	free(log);
}

bool log_is_on(const struct log *log, enum log_level level)
{
	return log && level >= log->opts.level;
}

uint64_t log_lost(const struct log *log)
{
	return log->lost;
}

bool log_level_parse(struct str text, enum log_level *out)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (str_eq(text, str_from(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}
