/* What is counted, with the pages that show it: all of it is there when admin.http is set, and none
 * of it costs anything when it isn't. Part of the composition root. */
#ifndef PLUGD_TELEMETRY_H
#define PLUGD_TELEMETRY_H

#include "base/err.h"
#include "base/loop.h"
#include "edge/edge.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "scrape.h"

struct telemetry;

/* Counts from now on. Returns owned; NULL for a NULL address. Every other
 * function takes that NULL, and does nothing. */
struct telemetry *telemetry_new(const char *address, struct loop *loop);
void telemetry_free(struct telemetry *telemetry); /* nobody counts any more */

struct metrics *telemetry_metrics(const struct telemetry *telemetry);

/* Where the rooms are at the moment: edge, listener, roster. */
typedef void telemetry_show_fn(void *user, struct scrape *out);

/* Opens the pages. 0, or -errno with *err. Borrows edge and log until telemetry_stop(). */
int telemetry_serve(struct telemetry *telemetry, const struct edge *edge, struct log *log,
		    telemetry_show_fn *show, void *user, struct err *err);

/* The pages are closed; counting goes on. Again is fine. */
void telemetry_stop(struct telemetry *telemetry);

#endif
