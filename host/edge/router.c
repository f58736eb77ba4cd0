/* Routes as a tree of segments.
 *
 * Each node stands for what the segments up to it have matched; below it hang the literals
 * (hashed), one node for a ":param" whatever its name, and the routes of a "*rest". Names belong to
 * routes and not to nodes, so GET /users/:id and POST /users/:name share a node. A lookup visits a
 * node at most once, since only one path leads to it.
 *
 * The edge builds one from the configuration and asks it once for each request. Rules are checked
 * when they are added; a lookup takes any bytes and can't fail. */
#include "edge/router.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "edge/router_pattern.h"
#include "observe/errors.h"

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
	struct node *param;
	struct leaf here; /* for paths that end at this node */
	struct leaf rest; /* for paths that go on, in whatever way */
	UT_hash_handle hh;
};

struct router {
	struct arena arena; /* nodes, routes and leaves */
	struct node root;
	struct str methods[METHODS_MAX];
	unsigned method_count;
};

/* ---- methods ---- */

/* METHODS_MAX when no rule has it. */
static unsigned router_method(const struct router *router, struct str name)
{
	unsigned method = 0;
	while (method < router->method_count && !str_eq(router->methods[method], name))
		method++;
	return method < router->method_count ? method : METHODS_MAX;
}

static size_t router_method_bytes(const struct router *router)
{
	size_t bytes = 0;
	for (unsigned i = 0; i < router->method_count; i++)
		bytes += router->methods[i].len + sizeof(", ") - 1;
	return bytes;
}

/* METHODS_MAX when there is no room for another. */
static unsigned router_intern_method(struct router *router, struct str name)
{
	unsigned method = router_method(router, name);

	if (method != METHODS_MAX || router->method_count == METHODS_MAX ||
	    router_method_bytes(router) + name.len >= ROUTER_ALLOW_BYTES)
		return method;
	router->methods[router->method_count] = name;
	return router->method_count++;
}

/* The one of the set whose name comes first. */
static unsigned router_first_method(const struct router *router, uint32_t set)
{
	unsigned first = METHODS_MAX;

	for (unsigned i = 0; i < router->method_count; i++) {
		if ((set & METHOD_BIT(i)) &&
		    (first == METHODS_MAX ||
		     str_compare(router->methods[i], router->methods[first]) < 0))
			first = i;
	}
	return first;
}

/* The names in `set`, sorted, into out->allow. They fit: router_intern_method() saw to it. */
static void router_tell_allowed(const struct router *router, uint32_t set, struct router_match *out)
{
	size_t used = 0;

	while (set) {
		unsigned method = router_first_method(router, set);
		struct str name = router->methods[method];

		if (used > 0) {
			memcpy(out->allow_text + used, ", ", 2);
			used += 2;
		}
		memcpy(out->allow_text + used, name.data, name.len);
		used += name.len;
		set &= ~METHOD_BIT(method);
	}
	out->allow = (struct str){out->allow_text, used};
}

/* ---- building ---- */

static struct node *node_literal(struct router *router, struct node *parent, struct str literal)
{
	struct node *node;

	HASH_FIND(hh, parent->literals, literal.data, literal.len, node);
	if (!node) {
		node = arena_new(&router->arena, struct node);
		HASH_ADD_KEYPTR(hh, parent->literals, literal.data, literal.len, node);
	}
	return node;
}

static struct leaf *router_place(struct router *router, const struct pattern *pattern)
{
	struct node *node = &router->root;

	for (size_t i = 0; i < pattern->count; i++) {
		switch (pattern->segments[i].kind) {
		case SEGMENT_LITERAL:
			node = node_literal(router, node, pattern->segments[i].text);
			break;
		case SEGMENT_PARAM:
			if (!node->param)
				node->param = arena_new(&router->arena, struct node);
			node = node->param;
			break;
		case SEGMENT_REST:
			return &node->rest;
		}
	}
	return &node->here;
}

static const struct route *route_new(struct router *router, const struct router_rule *rule,
				     const struct pattern *pattern)
{
	struct route *route = arena_new(&router->arena, struct route);

	route->id = rule->id;
	route->line = rule->line;
	route->pattern = rule->pattern;
	route->names = arena_zalloc(&router->arena, pattern->count * sizeof(*route->names));
	for (size_t i = 0; i < pattern->count; i++) {
		if (pattern->segments[i].kind != SEGMENT_LITERAL)
			route->names[route->name_count++] = pattern->segments[i].text;
	}
	return route;
}

static const struct route *leaf_own(const struct leaf *leaf, unsigned method)
{
	for (const struct leaf_method *entry = leaf->methods; entry; entry = entry->next) {
		if (entry->method == method)
			return entry->route;
	}
	return NULL;
}

static int refuse_conflict(const struct route *route, const struct route *old, const char *method,
			   struct err *err)
{
	char line[ROUTER_LINE_TEXT], old_line[ROUTER_LINE_TEXT];

	if (route == old)
		return err_set(err, ERR_CONFIG_DUPLICATE, "%sthe route \"%s\" lists %s twice",
			       router_line_text(line, route->line), route->pattern, method);
	return err_set(err, ERR_CONFIG_CONFLICT,
		       "%sthe route \"%s\" takes the same requests (%s) as %sthe route \"%s\"",
		       router_line_text(line, route->line), route->pattern, method,
		       router_line_text(old_line, old->line), old->pattern);
}

static int refuse_method(const struct route *route, const char *method, const char *why,
			 struct err *err)
{
	char line[ROUTER_LINE_TEXT];
	return err_set(err, ERR_CONFIG_RANGE, "%sthe method \"%s\" of the route \"%s\" %s",
		       router_line_text(line, route->line), method, route->pattern, why);
}

static int leaf_add_method(struct router *router, struct leaf *leaf, const struct route *route,
			   const char *name, struct err *err)
{
	if (!pattern_is_method(str_from(name)))
		return refuse_method(route, name, "is no method: write upper-case letters", err);
	unsigned method = router_intern_method(router, str_from(name));
	if (method == METHODS_MAX)
		return refuse_method(route, name, "is one too many for all routes together", err);
	const struct route *old = leaf_own(leaf, method);
	if (old)
		return refuse_conflict(route, old, name, err);

	struct leaf_method *entry = arena_new(&router->arena, struct leaf_method);
	*entry = (struct leaf_method){leaf->methods, method, route};
	leaf->methods = entry;
	leaf->method_set |= METHOD_BIT(method);
	if (method == METHOD_GET)
		leaf->method_set |= METHOD_BIT(METHOD_HEAD);
	return 0;
}

int router_add(struct router *router, const struct router_rule *rule, struct err *err)
{
	struct pattern pattern;
	int result = pattern_parse(&pattern, rule, err);
	if (result < 0)
		return result;

	struct leaf *leaf = router_place(router, &pattern);
	const struct route *route = route_new(router, rule, &pattern);
	if (!rule->methods) {
		if (leaf->any)
			return refuse_conflict(route, leaf->any, "every method", err);
		leaf->any = route;
		return 0;
	}
	if (!rule->methods[0])
		return refuse_method(route, "", "is missing: its list is empty", err);
	for (const char *const *name = rule->methods; *name && result == 0; name++)
		result = leaf_add_method(router, leaf, route, *name, err);
	return result;
}

struct router *router_new(void)
{
	struct router *router = mem_new(struct router);

	router->methods[METHOD_GET] = STR_LITERAL("GET");
	router->methods[METHOD_HEAD] = STR_LITERAL("HEAD");
	router->method_count = METHOD_OTHER;
	return router;
}

/* Nodes are the arena's, the hash tables between them are not. */
static void node_deinit(struct node *node)
{
	struct node *child, *next;

	HASH_ITER (hh, node->literals, child, next)
		node_deinit(child);
	HASH_CLEAR(hh, node->literals);
	if (node->param)
		node_deinit(node->param);
}

void router_free(struct router *router)
{
	if (!router)
		return;
	node_deinit(&router->root);
	arena_deinit(&router->arena);
	free(router);
}

/* ---- finding ---- */

struct search {
	unsigned method;  /* METHODS_MAX: in no rule, so only routes for every method can match */
	uint32_t allowed; /* of the leaves that matched the path, but not the method */
	size_t param_count;
	struct router_param *params; /* values; the names are known at the end */
};

static bool leaf_is_used(const struct leaf *leaf)
{
	return leaf->methods || leaf->any;
}

static const struct route *leaf_take(const struct leaf *leaf, struct search *search)
{
	const struct route *route = leaf_own(leaf, search->method);

	/* A HEAD is answered as a GET without its body (RFC 9110, 9.3.2). */
	if (!route && search->method == METHOD_HEAD)
		route = leaf_own(leaf, METHOD_GET);
	if (!route)
		route = leaf->any;
	if (!route)
		search->allowed |= leaf->method_set;
	return route;
}

static void search_push(struct search *search, struct str value)
{
	search->params[search->param_count++].value = value;
}

static const struct route *node_find(const struct node *node, struct str path,
				     struct search *search);

/* `more`: the path goes on behind the segment that led here. */
static const struct route *node_enter(const struct node *node, bool more, struct str rest,
				      struct search *search)
{
	return more ? node_find(node, rest, search) : leaf_take(&node->here, search);
}

/* Finds the route below this node for what is left of the path. As deep as the deepest pattern.
 * There is room for each value: the way to a node with a param, or to a leaf, is the beginning of a
 * pattern, whose captures were counted. */
static const struct route *node_find(const struct node *node, struct str path,
				     struct search *search)
{
	const struct route *route = NULL;
	struct str rest = path;
	struct str segment;
	struct node *literal;
	bool more = segment_next(&rest, &segment);
	size_t params_before = search->param_count;

	HASH_FIND(hh, node->literals, segment.data, segment.len, literal);
	if (literal)
		route = node_enter(literal, more, rest, search);
	if (!route && node->param && segment.len > 0) {
		search_push(search, segment);
		route = node_enter(node->param, more, rest, search);
		if (!route)
			search->param_count = params_before;
	}
	if (!route && leaf_is_used(&node->rest)) {
		search_push(search, path);
		route = leaf_take(&node->rest, search);
		if (!route)
			search->param_count = params_before;
	}
	return route;
}

enum router_verdict router_find(const struct router *router, struct str method, struct str path,
				struct router_match *out)
{
	struct search search = {.method = router_method(router, method), .params = out->params};

	if (path.len == 0 || path.data[0] != '/')
		return ROUTER_NOT_FOUND; /* "*" of OPTIONS */
	struct str rest = {path.data + 1, path.len - 1};
	const struct route *route = node_find(&router->root, rest, &search);
	if (!route && search.allowed == 0)
		return ROUTER_NOT_FOUND;
	if (!route) {
		router_tell_allowed(router, search.allowed, out);
		return ROUTER_METHOD_NOT_ALLOWED;
	}

	out->id = route->id;
	out->param_count = route->name_count;
	for (size_t i = 0; i < route->name_count; i++)
		out->params[i].name = route->names[i];
	return ROUTER_FOUND;
}
