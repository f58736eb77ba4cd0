/* Where a route leads. A route leads to exactly one of these; each is a row of the table in lead.c,
 * and a setting of its own. Inside this room, and for config/, which says what is wrong. */
#ifndef PLUGD_EDGE_LEAD_H
#define PLUGD_EDGE_LEAD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "edge/edge_opts.h"
#include "edge/template.h"

struct edge_route;
struct edge_routes;
struct exchange;

struct lead {
	const char *name; /* of its setting */

	bool (*is_of)(const struct route_opts *opts);

	/* NULL, or what is wrong with the setting that says where exactly, as the end of a sentence
	 * about it. May be NULL: nothing can be. */
	const char *(*check)(const struct route_opts *opts);

	/* Takes over what the route says, which is good. 0, or -EINVAL with *err. */
	int (*take)(struct edge_routes *routes, const struct route_opts *opts,
		    struct edge_route *route, struct err *err);

	/* The request has passed the chain and is the lead's: it answers, now or later. */
	void (*begin)(struct exchange *exchange);
};

extern const struct lead lead_plugin;
extern const struct lead lead_redirect;
extern const struct lead lead_static;

/* The one of the route; NULL with *err (ERR_CONFIG_MISSING, ERR_CONFIG_CONFLICT), whose text is the
 * end of a sentence about the route. */
const struct lead *lead_find(const struct route_opts *opts, struct err *err);

/* For leads: parses a text of the route's. NULL, or what is wrong; the template's parts are in the
 * arena. A path that is no pattern is refused elsewhere, and nothing is wrong here. */
const char *lead_parse(const struct route_opts *opts, enum template_use use, const char *text,
		       struct arena *arena, struct template *out);

/* -EINVAL with *err (ERR_CONFIG_CONFLICT), naming the route. */
int lead_refuse(const struct route_opts *opts, const char *why, struct err *err);

/* What a route's leads have become. A part of struct edge_route. */
struct route_lead {
	const struct lead *lead;
	struct template to; /* of a redirect, or what the plugin sees as the path */
	bool rewrites;
	bool keeps_query; /* of a redirect */
	unsigned status;  /* of a redirect */
};

/* The path that the plugin sees; in the stream's arena, or the request's own. */
struct str lead_path(const struct exchange *exchange);

#endif
