/* What the two halves of the router share: router_add.c builds the trees, router.c searches them.
 * Nobody else includes it. */
#ifndef PLUGD_EDGE_ROUTER_PRIVATE_H
#define PLUGD_EDGE_ROUTER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "edge/router.h"
#include "edge/router_types.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

/* Methods are numbered as they appear in rules, so that a set of them is one word. */
#define METHODS_MAX	   32
#define METHOD_BIT(method) (UINT32_C(1) << (method))
enum { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

struct route {
	unsigned id;
	int line;
	const char *pattern;
	size_t name_count;
	struct str *names;
};

struct leaf_method {
	struct leaf_method *next;
	unsigned method;
	const struct route *route;
};

/* The routes whose patterns match the same paths. */
struct leaf {
	struct leaf_method *methods;
	uint32_t method_set;	 /* with HEAD, if there is GET */
	const struct route *any; /* of a rule for every method */
};

struct node {
	struct node *literals; /* hashed by the segment that leads to each */
	struct node *params[PARAM_TYPES];
	unsigned param_set; /* bits: which of them there are */
	struct leaf here;   /* for paths that end at this node */
	struct leaf rest;   /* for paths that go on, in whatever way */
	UT_hash_handle hh;  /* of a root: by its host */
};

/* The roots of one scheme. */
struct hosts {
	struct node *exact;	/* hashed by name, in lower case */
	struct node *wildcards; /* hashed by what stands behind the star: ".example.com" */
	struct node *any;	/* NULL: no route is for every host */
};

struct router {
	struct arena arena; /* nodes, routes, leaves and names of hosts */
	struct hosts schemes[ROUTER_SCHEMES];
	bool has_places; /* some route names a host or a scheme */
	struct str methods[METHODS_MAX];
	unsigned method_count;
};

/* METHODS_MAX when no rule has it. */
unsigned router_method(const struct router *router, struct str name);

/* The route for that method by its name; NULL: none. */
const struct route *leaf_own(const struct leaf *leaf, unsigned method);

#endif
