/* A text with holes that a request fills: where a redirect leads, and the path that a plugin sees.
 * Pure.
 *
 * ":name" and "*name" as a whole segment stand for what the route's path has captured under that
 * name. In a location there are also {scheme}, {host} (without a port) and {path}. */
#ifndef PLUGD_EDGE_TEMPLATE_H
#define PLUGD_EDGE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "edge/router_pattern.h"

enum template_use {
	TEMPLATE_PATH, /* written like a pattern; what comes out is a path as the router sees it */
	TEMPLATE_LOCATION, /* "/…" or "https://…", as it stands in a Location field */
};

struct template_part;

struct template
{
	enum template_use use;
	struct template_part *parts;
	size_t count;
	bool is_absolute; /* it has a scheme and a host */
	bool wants_host;  /* of the request */
	bool has_query;
};

/* What a request puts in the holes. */
struct template_facts {
	struct str scheme;
	struct str host;
	struct str path;		   /* as router_find() takes it */
	const struct router_param *params; /* of the pattern, in its order */
};

/* NULL, or what is wrong with the text, as the end of a sentence about it. The template borrows the
 * text; its parts live in the arena. `pattern` is the route's. */
const char *template_parse(struct template *out, struct arena *arena, enum template_use use,
			   const char *text, const struct pattern *pattern);

/* In the arena. A location is printable ASCII without spaces, whatever the request holds, and
 * leads to no other host than the template says: it never begins with two slashes. */
struct str template_expand(const struct template *template, const struct template_facts *facts,
			   struct arena *arena);

#endif
