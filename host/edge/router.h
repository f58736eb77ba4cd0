/* From a request to a route: "/users/:id<int>", "/files/ *rest" (without the space). Pure.
 *
 * A ":param" takes one segment that is not empty, or one of its type; a "*rest" all that is left,
 * also nothing: "/files/" but not "/files". What names more beats what names less, in this order:
 *
 *	scheme    the request's own  >  every scheme
 *	host      the name itself  >  the longest "*.suffix"  >  every host
 *	path      segment by segment: literal  >  ":param" with a type, in the order of
 *		  router_types.h  >  ":param"  >  "*rest"
 *	method    the method itself  >  GET, for a HEAD  >  every method
 *
 * and where the better one leads nowhere, the next is tried. So the answer depends on the set of
 * routes and never on their order. Two routes that match exactly the same requests conflict, and
 * are refused. Thousands of routes cost what ten cost. router_explain.h says who wins, and why, in
 * another way. */
#ifndef PLUGD_EDGE_ROUTER_H
#define PLUGD_EDGE_ROUTER_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* Captures of one pattern. */
#define ROUTER_MAX_PARAMS 16

struct router;

enum router_scheme { ROUTER_ANY_SCHEME, ROUTER_HTTP, ROUTER_HTTPS, ROUTER_SCHEMES };

struct router_rule {
	const char *pattern;	    /* borrows while the router lives */
	const char *const *methods; /* NULL-terminated; NULL: every method. Borrows likewise */
	const char *const *hosts;   /* as router_host.h takes them; NULL: every host. Likewise */
	enum router_scheme scheme;
	unsigned id; /* the caller's; comes back in the match */
	int line;    /* in the configuration file, for messages; 0: none */
};

/* What is asked. */
struct router_request {
	struct str method;
	struct str scheme;    /* "http" or "https" */
	struct str authority; /* with or without a port, in any case; empty: none */
	struct str path;      /* decoded and normalised, as net/message.h tells it */
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
 * ERR_CONFIG_DUPLICATE for a method or host listed twice, ERR_CONFIG_RANGE for a pattern, method
 * or host that is none). A
 * router that has refused a rule is only good for router_free(). */
int router_add(struct router *router, const struct router_rule *rule, struct err *err);

/* Allocates nothing. */
enum router_verdict router_find(const struct router *router, const struct router_request *request,
				struct router_match *out);

/* ROUTER_ANY_SCHEME when it is neither of the two. */
enum router_scheme router_scheme_of(struct str scheme);

#endif
