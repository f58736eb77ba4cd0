/* Which route an HTTP path belongs to. */
#ifndef PLUG_ROUTE_H
#define PLUG_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/wire.h"
#include "sdk/plug.h"

struct route_entry {
	const struct plug_http_route *route;
	bool keeps; /* for http_receive.c: one of its calls outlived its handler */
};

/* Zeroed is a valid empty table. */
struct route_table {
	struct route_entry *sorted; /* the most exact first */
	size_t count;
};

/* Borrows the routes. NULL, or a constant sentence: why they are no table. */
const char *route_table_init(struct route_table *table, const struct plug_http_route *routes,
			     size_t count);
void route_table_deinit(struct route_table *table);

/* The route for a request, or NULL. *path_known_out: some route has this path, for another
 * method. */
struct route_entry *route_find(const struct route_table *table, struct wire_bytes method,
			       struct wire_bytes path, bool *path_known_out);

/* The methods that the path has routes for, as an Allow header: "GET, HEAD, PUT". */
void route_allow(const struct route_table *table, struct wire_bytes path, char *out, size_t size);

/* What ":name" or "*name" of the pattern captures of a path that matches. False: there is no such
 * name. */
bool route_param(const char *pattern, struct wire_bytes path, const char *name,
		 struct wire_bytes *value_out);

#endif
