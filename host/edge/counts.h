/* What the edge counts of requests, and where. Inside this room only. */
#ifndef PLUGD_EDGE_COUNTS_H
#define PLUGD_EDGE_COUNTS_H

#include <stdint.h>

#include "edge/load_opts.h"
#include "observe/metrics.h"

struct edge_route;
struct exchange;

/* Where requests go that no route takes. */
enum edge_page { PAGE_NONE, PAGE_LIVE, PAGE_READY, PAGE_BUILD, PAGE_RPC, PAGE_COUNT };

/* Of one route; zeroed: nothing was counted yet. */
struct route_counts {
	uint64_t *by_class[6]; /* of statuses, by their first digit */
	uint64_t *in_bytes;
	uint64_t *out_bytes;
	struct metric_histogram *duration;
};

#define COUNTS_STATUSES 600

struct edge_counts {
	struct metrics *metrics; /* NULL: nothing is counted */
	struct route_counts pages[PAGE_COUNT];
	uint64_t *by_status[COUNTS_STATUSES];
	uint64_t *shed[PRIORITY_COUNT]; /* NULL: likewise */
	uint64_t **refused;		/* by middleware, as in the chain; owned */
};

void counts_init(struct edge_counts *counts, struct metrics *metrics);
void counts_deinit(struct edge_counts *counts);

/* A request is over. */
void counts_add(struct edge_counts *counts, const struct exchange *exchange, int64_t now_us);

/* One was refused before there was an exchange, for that reason of net's. */
void counts_add_refused(struct edge_counts *counts, struct str reason);

/* One was refused because the host is late. */
void counts_add_shed(struct edge_counts *counts, enum priority priority);

/* How long requests wait for a place at the door of that route; NULL when nothing is counted. */
struct metric_histogram *counts_place_waits(struct edge_counts *counts,
					    const struct edge_route *route);

/* Its door as a label; NULL: the edge's own. */
struct str counts_door_label(const struct edge_route *route);

#endif
