/* What an operator sets about how requests come to a route and where they go from there. A part of
 * struct route_opts. */
#ifndef PLUGD_EDGE_ROUTING_OPTS_H
#define PLUGD_EDGE_ROUTING_OPTS_H

#include "edge/router.h"

/* The statuses of `redirect`, in the order of its choices. */
enum redirect_status {
	REDIRECT_307,
	REDIRECT_301,
	REDIRECT_302,
	REDIRECT_303,
	REDIRECT_308,
	REDIRECT_STATUSES,
};

enum redirect_query { REDIRECT_KEEPS_QUERY, REDIRECT_DROPS_QUERY };

struct redirect_opts {
	char *to; /* as template.h takes it for TEMPLATE_LOCATION; NULL: no redirect */
	enum redirect_status status;
	enum redirect_query query;
};

struct routing_opts {
	char *group;  /* whose settings are this route's too; NULL: none's */
	char **hosts; /* as router_host.h takes them, NULL-terminated; NULL: every host */
	enum router_scheme scheme;
	char *rewrite; /* the path that the plugin sees, for TEMPLATE_PATH; NULL: the client's */
	struct redirect_opts redirect;
	const char *rate_group; /* the group whose clients `rate` counts together; NULL: none */
};

#endif
