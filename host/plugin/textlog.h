/* What a plugin writes to its standard error, line by line into the log. Always read, so that a
 * plugin never blocks in a log line; long lines are cut. */
#ifndef PLUGD_PLUGIN_TEXTLOG_H
#define PLUGD_PLUGIN_TEXTLOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/redact.h"

/* A longer line goes on as the next record. */
#define TEXTLOG_LINE_BYTES 4096

/* What is remembered for a crash capsule: the last lines that fit. */
#define TEXTLOG_TAIL_BYTES 8192

struct textlog {
	int fd; /* -1: closed */
	struct loop_io io;
	struct buf in;
	struct buf tail;		 /* the last lines, each with its line break */
	struct log *log;		 /* borrows */
	const char *plugin;		 /* borrows */
	const char *instance;		 /* borrows */
	const struct redactor *redactor; /* of its secrets; borrows; NULL: it has none */
};

/* Takes fd (non-blocking). `textlog` has log, plugin and instance set. */
void textlog_open(struct textlog *textlog, struct loop *loop, int fd);

/* Reads what is still there, logs it, and closes. Twice is fine. */
void textlog_close(struct textlog *textlog);
void textlog_deinit(struct textlog *textlog); /* of a closed one: forgets its last lines */

/* The last lines that came. Valid until the next one, or textlog_deinit(). */
struct str textlog_tail(const struct textlog *textlog);

#endif
