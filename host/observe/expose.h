/* Metrics as the text that Prometheus reads (exposition format 0.0.4). Pure. */
#ifndef PLUGD_OBSERVE_EXPOSE_H
#define PLUGD_OBSERVE_EXPOSE_H

#include "base/buf.h"
#include "observe/metrics.h"

#define EXPOSE_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends every family, in the order of the table, with its series sorted by their labels: the same
 * numbers are always the same text. */
void expose_write(const struct metrics *metrics, struct buf *out);

/* Appends microseconds as seconds: "0.00025", "30", "1.5". */
void expose_put_seconds(struct buf *out, uint64_t us);

#endif
