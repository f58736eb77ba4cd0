/* From method and path to a route: "/users/:id", "/files/ *rest" (without the space). Pure.
 *
 * A ":param" takes one segment that is not empty, a "*rest" all that is left, also nothing:
 * "/files/" but not "/files". Segment by segment, a literal beats a ":param", which beats a
 * "*rest"; where the better one leads nowhere, the next is tried. So the answer depends on the set
 * of routes and never on their order. Two routes that match exactly the same requests conflict, and
 * are refused. Thousands of routes cost what ten cost. */
#ifndef PLUGD_EDGE_ROUTER_H
#define PLUGD_EDGE_ROUTER_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Captures of one pattern. */
#define ROUTER_MAX_PARAMS 16

struct router;

struct router_rule {
	const char *pattern;	    /* borrows while the router lives */
	const char *const *methods; /* NULL-terminated; NULL: every method. Borrows likewise */
	unsigned id;		    /* the caller's; comes back in the match */
	int line;		    /* in the configuration file, for messages; 0: none */
};

struct router_param {
	struct str name;
	struct str
		/* borrows from the path, "%2F" and "%25" still in it; a ":param" is never empty */
		value;
};

/* The names of all methods that the rules of one router have, with ", " between them. */
#define ROUTER_ALLOW_BYTES 256

struct router_match {
	unsigned id;
	size_t param_count;
	struct router_param params[ROUTER_MAX_PARAMS];
	struct str
		/* for ROUTER_METHOD_NOT_ALLOWED: "GET, HEAD, POST", sorted; valid while *out is */
		allow;
	char allow_text[ROUTER_ALLOW_BYTES]; /* where `allow` is */
};

enum router_verdict { ROUTER_FOUND, ROUTER_NOT_FOUND, ROUTER_METHOD_NOT_ALLOWED };

struct router *router_new(void);	 /* returns owned */
void router_free(struct router *router); /* NULL is fine */

/* 0, or -EINVAL with *err (ERR_CONFIG_CONFLICT, naming both routes and their lines;
 * ERR_CONFIG_DUPLICATE for a method listed twice, ERR_CONFIG_RANGE for a pattern that is none). A
 * router that has refused a rule is only good for router_free(). */
int router_add(struct router *router, const struct router_rule *rule, struct err *err);

/* The path is decoded and normalised. HEAD takes GET's route unless it has one of its own.
 * Allocates nothing. */
enum router_verdict router_find(const struct router *router, struct str method, struct str path,
				struct router_match *out);

#endif
