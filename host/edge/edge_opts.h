/* What an operator sets for the edge: routes and what applies to every request. config/ fills
 * it. */
#ifndef PLUGD_EDGE_EDGE_OPTS_H
#define PLUGD_EDGE_EDGE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/tokens.h"
#include "edge/compress.h"
#include "edge/cors.h"
#include "edge/decoder.h"
#include "edge/forwarded.h"

/* What `rate_by` begins with when clients are told apart by a header, whose name follows. */
#define RATE_BY_HEADER "header "

/* The values of the headers that browsers heed; NULL: not sent. */
struct security_opts {
	bool enabled;
	char *content_type_options;
	char *frame_options;
	char *referrer_policy;
	char *content_security_policy;
	char *strict_transport_security;
	char *permissions_policy;
	char *opener_policy;
	char *embedder_policy;
	char *resource_policy;
};
#define SECURITY_HEADERS 9

/* What is done to bodies on a route. */
struct route_coding_opts {
	struct route_compress_opts compress;
	struct decompress_opts decompress;
};

struct route_opts {
	char *path;	     /* pattern: "/users/:id", "/files/ *rest" without the space */
	char **methods;	     /* NULL-terminated upper-case names; NULL: every method */
	char *plugin;	     /* name of a configured plugin */
	char *rpc;	     /* "service/method"; NULL: the raw HTTP service */
	int64_t timeout_ms;  /* 0: the plugin's */
	uint64_t body_bytes; /* limit of the request's body; 0: edge_opts.body_bytes */
	char **allow;	     /* as net/cidr.h takes them, NULL-terminated; NULL: everybody */
	char **deny;
	struct tokens_rate rate; /* of one client; per_second 0: the edge's; burst 0: a second's */
	struct cors_opts cors;	 /* origins NULL: the edge's */
	struct route_coding_opts coding;
	int line; /* in the configuration file, for messages */
};

struct edge_opts {
	struct route_opts *routes;
	size_t route_count;
	uint64_t body_bytes; /* limit of a request's body */
	bool access_log;
	char **trusted_proxies; /* as net/cidr.h takes them, NULL-terminated; NULL: none */
	enum forwarded_by forwarded_by;
	char **allow;
	char **deny;
	struct tokens_rate rate; /* of one client; per_second 0: no limit */
	unsigned rate_keys;	 /* clients that are remembered */
	char *rate_by;		 /* "address", or "header NAME" */
	struct security_opts security;
	struct cors_opts cors;
	struct compress_opts compress;
};

#endif
