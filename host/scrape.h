/* What GET /metrics answers: what was counted, and what is looked up when somebody asks. Part of
 * the composition root. */
#ifndef PLUGD_SCRAPE_H
#define PLUGD_SCRAPE_H

#include "access_log.h"
#include "base/buf.h"
#include "edge/edge.h"
#include "net/listener.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "roster.h"

/* Where to look; borrows all of it until return. */
struct scrape {
	struct metrics *metrics;
	const struct log *log;
	const struct edge *edge;
	const struct access_log *access_log;
	const struct listener *listener; /* NULL: clients have been cut off */
	const struct roster *roster;
	const char *version; /* of the host */
	int64_t started_wall_ms;
	int64_t now_ms;
};

/* Appends the whole page. */
void scrape_write(const struct scrape *scrape, struct buf *out);

#endif
