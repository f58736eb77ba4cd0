/* One line of the log, from record to bytes. Pure: the time is an argument. */
#ifndef PLUGD_OBSERVE_LOG_LINE_H
#define PLUGD_OBSERVE_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "observe/log.h"

/* A longer message or value is cut and ends in "…". */
#define LOG_VALUE_BYTES (8u << 10)

struct log_record {
	int64_t wall_ms; /* since 1970, UTC */
	enum log_level level;
	const char *event;
	struct str message;
	const struct log_field *fields; /* ends with LOG_FIELD_END */
};

/* The text of the last second, because most lines fall into the same one. Zeroed is valid. */
struct log_stamp {
	char text[CLOCK_TEXT]; /* "2026-01-02T03:04:05" */
	int64_t second;
};

/* Writes the line with its newline into `out`. Returns its bytes; 0 when `size` is too small. */
size_t log_line_format(char *out, size_t size, enum log_format format,
		       const struct log_record *record, struct log_stamp *stamp);

#endif
