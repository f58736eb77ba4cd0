/* The clients' door: requests come in from net/, pass the chain, find their route, and are answered
 * by a plugin over the bridge, or by the edge itself. */
#ifndef PLUGD_EDGE_EDGE_H
#define PLUGD_EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/loop.h"
#include "dispatch/dispatch.h"
#include "edge/edge_opts.h"
#include "net/message.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "plugin/drift.h"
#include "registry/service.h"

struct edge;
struct edge_routes;
struct identity;

/* ---- what the edge obeys ---- */

struct edge_routes_opts {
	const struct edge_opts *opts;  /* borrows until on_gone */
	struct target *const *targets; /* one for each configured plugin; borrows likewise */
	size_t target_count;
	/* What stands in for each of the targets, NULL for nothing; NULL: nothing for any. Borrows
	 * likewise. */
	struct target *const *stand_ins;
	struct identity *identity; /* borrows likewise; NULL: no keys of issuers are needed */

	/* Nobody uses these routes any more, also no request that came under them. May be NULL. */
	void (*on_gone)(void *user);
	void *user;
};

/* Returns owned; NULL with *err: routes that conflict or lead nowhere. */
struct edge_routes *edge_routes_new(const struct edge_routes_opts *opts, struct err *err);

/* Opens the directories of files that routes lead to, and keeps none: what edge_routes_new() would
 * say of them. 0, or -errno with *err. */
int edge_check_files(const struct edge_opts *opts, struct err *err);

/* Gives up routes that no edge has taken. NULL is fine. */
void edge_routes_free(struct edge_routes *routes);

/* Asks about each method that a route of this target leads to, or of one for which it stands in. */
void edge_routes_check_drift(const struct edge_routes *routes, const struct target *target,
			     struct drift *drift);

/* ---- the edge ---- */

struct edge_setup {
	struct loop *loop;
	struct log *log;
	struct dispatch *dispatch;
	struct registry *registry;
	const char *version;	    /* of the host */
	struct metrics *metrics;    /* borrows; NULL: nothing is counted */
	struct edge_routes *routes; /* takes */
	struct identity *identity;  /* borrows; NULL: nobody is asked */
};

struct edge *edge_new(const struct edge_setup *setup); /* returns owned */
void edge_free(struct edge *edge);		       /* no request may be open; NULL is fine */

/* From now on requests obey these (takes); those that have come keep the ones they came under. */
void edge_apply(struct edge *edge, struct edge_routes *routes);

/* Those in force. */
const struct edge_routes *edge_routes(const struct edge *edge);

/* Requests are logged here (borrows) from now on; NULL: with everything else. */
void edge_set_access_log(struct edge *edge, struct log *log);

/* For the listener, whose user is the edge. */
extern const struct http_upcalls edge_upcalls;

/* An instance of some plugin has come or gone: requests that wait for it are looked at. */
void edge_on_plugin_change(struct edge *edge);

/* The host is going: /health/ready says so. */
void edge_set_draining(struct edge *edge);

/* What /health/ready says. */
bool edge_is_ready(const struct edge *edge);

/* The page of that path below /health, as JSON with its status. Returns owned; NULL: there is no
 * such page. */
char *edge_health(const struct edge *edge, struct str path, unsigned *status_out);

/* Places for requests (door.h), for the metrics. */
struct edge_door_view {
	struct str name;     /* "(http)", or the pattern of the route that has its own */
	unsigned taken;	     /* places */
	unsigned waiting;    /* requests that have none yet */
	unsigned shed_level; /* as in shedding.h, because of this queue */
};

/* Shows all doors; each borrows. */
typedef void edge_door_fn(void *user, const struct edge_door_view *view);
void edge_each_door(const struct edge *edge, edge_door_fn *each, void *user);

/* Who is refused because the loop is late, as in shedding.h. */
unsigned edge_loop_shed_level(const struct edge *edge);

/* Requests that are not over. */
unsigned edge_open_count(const struct edge *edge);

#endif
