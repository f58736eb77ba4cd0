/* What an operator sets for the edge: routes and what applies to every request. config/ fills
 * it. */
#ifndef PLUGD_EDGE_EDGE_OPTS_H
#define PLUGD_EDGE_EDGE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct route_opts {
	char *path;	     /* pattern: "/users/:id", "/files/ *rest" without the space */
	char **methods;	     /* NULL-terminated upper-case names; NULL: every method */
	char *plugin;	     /* name of a configured plugin */
	char *rpc;	     /* "service/method"; NULL: the raw HTTP service */
	int64_t timeout_ms;  /* 0: the plugin's */
	uint64_t body_bytes; /* limit of the request's body; 0: edge_opts.body_bytes */
	int line;	     /* in the configuration file, for messages */
};

struct edge_opts {
	struct route_opts *routes;
	size_t route_count;
	uint64_t body_bytes; /* limit of a request's body */
	bool access_log;
};

#endif
