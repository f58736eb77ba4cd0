/* The log: one line per event, with a stable id, a sentence, and typed fields; logfmt or JSON.
 * Written to a descriptor without ever blocking the loop: lines that don't fit are dropped and
 * counted, and the count is told with the next line that fits ("log.lost").
 *
 *	log_event(log, LOG_WARN, "instance.died", "killed by signal 9, restarting in 400 ms",
 *		  LOG_STR("plugin", name), LOG_INT("pid", pid));
 *
 * logfmt: ts=2026-01-02T03:04:05.678Z level=warn event=instance.died msg="killed by …" plugin=echo
 * pid=4711
 */
#ifndef PLUGD_OBSERVE_LOG_H
#define PLUGD_OBSERVE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log;
struct loop;

enum log_field_type { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL };

struct log_field {
	enum log_field_type type;
	const char *name;
	struct str text;
	int64_t number;
};

#define LOG_STR(name, text) ((struct log_field){LOG_FIELD_STR, (name), str_from(text), 0})
#define LOG_STRN(name, text)                                                                       \
	((struct log_field){LOG_FIELD_STR, (name), (text), 0}) /* a struct str */
#define LOG_INT(name, value)  ((struct log_field){LOG_FIELD_INT, (name), {NULL, 0}, (value)})
#define LOG_BOOL(name, value) ((struct log_field){LOG_FIELD_BOOL, (name), {NULL, 0}, (value)})

struct log_opts {
	/* borrows; stderr by default. Never made non-blocking: the descriptor may be shared */
	int fd;
	enum log_level level;
	enum log_format format;
	struct loop *
		/* borrows, outlives the log: lines go out at the end of a turn. NULL: at once */
		loop;

	/* A log of lines that somebody else reads: what was lost is not told in it. */
	bool is_quiet;

	/* Writing fails, for the first time since it succeeded. May be NULL. */
	void (*on_fail)(void *user, int errnum);
	void *user;
};

struct log *log_new(const struct log_opts *opts); /* returns owned */

/* Gives a slow reader a moment to take what is left. NULL is fine. */
void log_free(struct log *log);
void log_apply(struct log *log, const struct log_opts *opts);

bool log_is_on(const struct log *log, enum log_level level);
uint64_t log_lost(const struct log *log); /* lines, since log_new() */

/* `event` is a stable dotted id; `message` a sentence for a human, any bytes (escaped), may be "".
 * A NULL log is silent. */
#define log_event(logger, level, event, message, ...)                                              \
	log_event_by(log_write, logger, level, event, message __VA_OPT__(, ) __VA_ARGS__)

/* The same for lines of which clients and plugins can make any number. When the log's reader is
 * slow they are lost first: a part of the buffer is left to what the host itself has to say. */
#define log_event_bulk(logger, level, event, message, ...)                                         \
	log_event_by(log_write_bulk, logger, level, event, message __VA_OPT__(, ) __VA_ARGS__)

#define log_event_by(write, logger, level, event, message, ...)                                    \
	do {                                                                                       \
		struct log *log_event_target = (logger);                                           \
		if (log_is_on(log_event_target, (level)))                                          \
			write(log_event_target, (level), (event), str_from(message),               \
			      (const struct log_field[]){                                          \
				      __VA_ARGS__ __VA_OPT__(, ){LOG_FIELD_END}});                 \
	} while (0)

/* The same with the message as a struct str and the fields as an array that ends with
 * LOG_FIELD_END. Names and texts may come from a plugin: neither can forge a line or a field. */
void log_write(struct log *log, enum log_level level, const char *event, struct str message,
	       const struct log_field *fields);

/* The same, as log_event_bulk(). */
void log_write_bulk(struct log *log, enum log_level level, const char *event, struct str message,
		    const struct log_field *fields);

/* A line as it is, with its newline at the end; whatever the level. Bulk too. */
void log_write_line(struct log *log, struct str line);

/* "debug", "info", "warn", "error". False for anything else. */
bool log_level_parse(struct str text, enum log_level *out);
const char *log_level_name(enum log_level level);

#endif
