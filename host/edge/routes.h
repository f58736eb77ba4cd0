/* What the edge obeys at one time: the routes and options of one configuration. A request keeps
 * what was in force when it came, so that a reload takes nothing away from it. Inside this room
 * only; edge.h tells about it outside. */
#ifndef PLUGD_EDGE_ROUTES_H
#define PLUGD_EDGE_ROUTES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/tokens.h"
#include "edge/auth.h"
#include "edge/counts.h"
#include "edge/door.h"
#include "edge/edge.h"
#include "edge/lead.h"
#include "edge/router.h"
#include "edge/static_root.h"
#include "net/cidr.h"
#include "registry/service.h"

/* Whom an operator lets in. */
struct guests {
	struct cidr_list allow; /* empty: everybody */
	struct cidr_list deny;
};

/* A route with what it leads to. */
struct edge_route {
	struct str pattern;
	uint64_t body_bytes; /* 0: the edge's */
	int64_t timeout_ms;  /* 0: the plugin's */
	struct guests guests;
	struct tokens_rate rate;      /* of each client; per_second 0: the edge's */
	const struct cors_opts *cors; /* its own, or the edge's */
	struct auth_rule auth;	      /* likewise */
	struct door *door;	      /* its own; owned; NULL: the edge's */
	enum priority priority;
	struct compress_policy compress;
	const struct decompress_opts *decompress; /* NULL: bodies go on as they come */
	uint64_t rate_salt;			  /* tells its clients from those of other limits */
	struct route_lead leads;
	struct static_root *files; /* that answer; owned; NULL: it leads elsewhere */
	struct target *target;	   /* NULL: no plugin answers */
	const struct bridge_ops *bridge;
	struct str service;
	struct str method;
	/* The method, as of that version of the registry. */
	struct service_method found;
	uint64_t found_version;	     /* 0: never looked up */
	struct route_counts *counts; /* where its requests are counted; of the list below */
};

struct edge_routes {
	struct edge_routes_opts from;
	struct arena arena; /* templates */
	struct router *router;
	struct edge_route *routes;
	struct route_counts *counts; /* of each route */
	size_t route_count;
	struct cidr_list trusted; /* proxies */
	struct guests guests;
	struct auth_rules auth;
	struct compress_policy compress; /* of answers without a route */
	unsigned holders;		 /* requests, and the edge while they are in force */
};

struct edge_routes *routes_hold(struct edge_routes *routes); /* returns them */
void routes_release(struct edge_routes *routes);	     /* the last one frees; NULL is fine */

/* What the route leads to, as the plugin told it; kept until some plugin tells something else. 0,
 * or as registry_find_in(). */
int routes_resolve(const struct registry *registry, struct edge_route *route, struct err *err);

/* The plugin that is asked when no instance of this one can serve; NULL: none is. */
struct target *routes_stand_in(const struct edge_routes *routes, const struct target *target);

/* A plugin whose methods clients may call by name, for which this one stands in, and which has not
 * told yet what they are; NULL: there is none. */
struct target *routes_unheard(const struct edge_routes *routes, const struct registry *registry,
			      const struct target *stand_in);

#endif
