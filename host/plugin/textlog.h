/* What a plugin writes to its standard error, line by line into the log. Always read, so that a
 * plugin never blocks in a log line; long lines are cut. */
#ifndef PLUGD_PLUGIN_TEXTLOG_H
#define PLUGD_PLUGIN_TEXTLOG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"
#include "observe/log.h"

/* A longer line goes on as the next record. */
#define TEXTLOG_LINE_BYTES 4096

struct textlog {
	int fd; /* -1: closed */
	struct loop_io io;
	struct buf in;
	struct log *log;      /* borrows */
	const char *plugin;   /* borrows */
	const char *instance; /* borrows */
};

/* Takes fd (non-blocking). `textlog` has log, plugin and instance set. */
void textlog_open(struct textlog *textlog, struct loop *loop, int fd);

/* Reads what is still there, logs it, and closes. Twice is fine. */
void textlog_close(struct textlog *textlog);

#endif
