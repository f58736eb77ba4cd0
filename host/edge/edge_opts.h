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
#include "edge/load_opts.h"
#include "edge/routing_opts.h"
#include "edge/static_opts.h"
#include "identity/identity_opts.h"

/* `rate_by` when clients are told apart by who they are. */
#define RATE_BY_PRINCIPAL "principal"

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

/* How requests are logged, and where. */
enum access_format { ACCESS_AS_LOG, ACCESS_COMBINED };

struct access_opts {
	enum access_format format;
	char *file; /* NULL: with the log */
};

/* What is done to bodies on a route. */
struct route_coding_opts {
	struct route_compress_opts compress;
	struct decompress_opts decompress;
};

struct route_opts {
	char *path;	     /* pattern as in router.h, with the group's prefix in front */
	char **methods;	     /* NULL-terminated upper-case names; NULL: every method */
	char *plugin;	     /* name of a configured plugin; NULL: it leads elsewhere */
	char *rpc;	     /* "service/method"; NULL: the raw HTTP service */
	int64_t timeout_ms;  /* 0: the plugin's */
	uint64_t body_bytes; /* limit of the request's body; 0: edge_opts.body_bytes */
	char **allow;	     /* as net/cidr.h takes them, NULL-terminated; NULL: everybody */
	char **deny;
	struct tokens_rate rate; /* of one client; per_second 0: the edge's; burst 0: a second's */
	struct cors_opts cors;	 /* origins NULL: the edge's */
	struct auth_opts auth;	 /* methods NULL: the edge's */
	struct routing_opts routing;
	struct route_load_opts load;
	struct route_coding_opts coding;
	struct static_opts files; /* directory NULL: it leads elsewhere */
	int line;		  /* in the configuration file, for messages */
};

/* Settings that several routes have. config/ has copied them into its routes, and is the only one
 * who looks at groups. */
struct group_opts {
	char *name;
	char *prefix;		    /* in front of each route's path; NULL: nothing */
	struct route_opts defaults; /* what its routes get that don't say it themselves */
};

struct edge_opts {
	struct group_opts *groups;
	size_t group_count;
	struct route_opts *routes;
	size_t route_count;
	uint64_t body_bytes; /* limit of a request's body */
	bool access_log;
	struct access_opts access;
	char **trusted_proxies; /* as net/cidr.h takes them, NULL-terminated; NULL: none */
	enum forwarded_by forwarded_by;
	char **allow;
	char **deny;
	struct tokens_rate rate; /* of one client; per_second 0: no limit */
	bool rate_headers;	 /* each answer says how much is left */
	unsigned rate_keys;	 /* clients that are remembered */
	char *rate_by;		 /* "address", "principal", or "header NAME" */
	struct security_opts security;
	struct cors_opts cors;
	struct auth_opts auth; /* methods NULL: nobody is asked */
	struct identity_opts identity;
	struct load_opts load;
	struct compress_opts compress;
};

#endif
