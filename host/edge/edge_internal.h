/* What the files of the edge share: the edge itself and its routes. Nobody outside this room
 * includes it. */
#ifndef PLUGD_EDGE_EDGE_INTERNAL_H
#define PLUGD_EDGE_EDGE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "edge/edge.h"
#include "edge/exchange.h"
#include "edge/hold.h"
#include "observe/log.h"
#include "registry/service.h"

/* A route with what it leads to. */
struct edge_route {
	struct str pattern;
	uint64_t body_bytes; /* 0: the edge's */
	int64_t timeout_ms;  /* 0: the plugin's */
	struct target *target;
	const struct bridge_ops *bridge;
	struct str service;
	struct str method;
	/* The method, as of that version of the registry. */
	struct service_method found;
	uint64_t found_version; /* 0: never looked up */
};

struct edge {
	struct loop *loop;
	struct log *log;
	struct dispatch *dispatch;
	struct registry *registry;
	const char *version;
	struct target *const *targets;
	size_t target_count;
	struct router *router;
	struct edge_route *routes;
	size_t route_count;
	const struct edge_opts *opts; /* borrows */
	struct holds holds;
	bool draining;
	uint64_t request_key; /* random */
	uint64_t request_count;
	unsigned open;
	struct exchange *free_list;
};

/* The body is over its limit. */
extern const struct exchange_error edge_error_too_large;

/* The edge's own pages. True: it was one, and is answered. */
bool builtin_answer(struct exchange *exchange);

#endif
