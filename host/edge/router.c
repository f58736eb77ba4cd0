/* Routes as trees of segments, one for each host that routes name and one for all others, and these
 * for each scheme.
 *
 * Each node stands for what the segments up to it have matched; below it hang the literals
 * (hashed), a node for the ":params" of each type whatever their names, and the routes of a
 * "*rest". Names belong to routes and not to nodes, so GET /users/:id and POST /users/:name share a
 * node. A lookup visits a node at most once, since only one path leads to it.
 *
 * The edge builds one from the configuration and asks it once for each request. Rules are checked
 * when they are added (router_add.c); a lookup takes any bytes and can't fail. */
#include "edge/router.h"

#include "base/mem.h"
#include "edge/router_host.h"
#include "edge/router_pattern.h"
#include "edge/router_private.h"

/* ---- methods ---- */

unsigned router_method(const struct router *router, struct str name)
{
	unsigned method = 0;
	while (method < router->method_count && !str_eq(router->methods[method], name))
		method++;
	return method < router->method_count ? method : METHODS_MAX;
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

/* ---- life ---- */

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

	if (!node)
		return;
	HASH_ITER (hh, node->literals, child, next)
		node_deinit(child);
	HASH_CLEAR(hh, node->literals);
	for (int type = 0; type < PARAM_TYPES; type++)
		node_deinit(node->params[type]);
}

static void roots_deinit(struct node **table)
{
	struct node *root, *next;

	HASH_ITER (hh, *table, root, next)
		node_deinit(root);
	HASH_CLEAR(hh, *table);
}

void router_free(struct router *router)
{
	if (!router)
		return;
	for (int scheme = 0; scheme < ROUTER_SCHEMES; scheme++) {
		node_deinit(router->schemes[scheme].any);
		roots_deinit(&router->schemes[scheme].exact);
		roots_deinit(&router->schemes[scheme].wildcards);
	}
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

const struct route *leaf_own(const struct leaf *leaf, unsigned method)
{
	for (const struct leaf_method *entry = leaf->methods; entry; entry = entry->next) {
		if (entry->method == method)
			return entry->route;
	}
	return NULL;
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

static const struct route *node_find_param(const struct node *node, struct str segment, bool more,
					   struct str rest, struct search *search)
{
	size_t params_before = search->param_count;
	const struct route *route = NULL;

	for (unsigned set = node->param_set; set && !route; set &= set - 1) {
		enum param_type type = (enum param_type)__builtin_ctz(set);

		if (!param_type_fits(type, segment))
			continue;
		search_push(search, segment);
		route = node_enter(node->params[type], more, rest, search);
		if (!route)
			search->param_count = params_before;
	}
	return route;
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
	if (!route && node->param_set)
		route = node_find_param(node, segment, more, rest, search);
	if (!route && leaf_is_used(&node->rest)) {
		search_push(search, path);
		route = leaf_take(&node->rest, search);
		if (!route)
			search->param_count = params_before;
	}
	return route;
}

/* Among the routes of the host's wildcards, the longest first. */
static const struct route *hosts_find_wildcard(const struct hosts *hosts, struct str host,
					       struct str path, struct search *search)
{
	const struct route *route = NULL;
	struct node *root;

	for (size_t i = 1; i < host.len && !route; i++) {
		if (host.data[i] != '.')
			continue;
		HASH_FIND(hh, hosts->wildcards, host.data + i, host.len - i, root);
		if (root)
			route = node_find(root, path, search);
	}
	return route;
}

static const struct route *hosts_find(const struct hosts *hosts, struct str host, struct str path,
				      struct search *search)
{
	const struct route *route = NULL;
	struct node *root = NULL;

	HASH_FIND(hh, hosts->exact, host.data, host.len, root);
	if (root)
		route = node_find(root, path, search);
	if (!route && hosts->wildcards)
		route = hosts_find_wildcard(hosts, host, path, search);
	if (!route && hosts->any)
		route = node_find(hosts->any, path, search);
	return route;
}

enum router_scheme router_scheme_of(struct str scheme)
{
	if (str_eq(scheme, STR_LITERAL("http")))
		return ROUTER_HTTP;
	return str_eq(scheme, STR_LITERAL("https")) ? ROUTER_HTTPS : ROUTER_ANY_SCHEME;
}

static const struct route *router_search(const struct router *router,
					 const struct router_request *request, struct str path,
					 struct search *search)
{
	const struct hosts *every = &router->schemes[ROUTER_ANY_SCHEME];
	enum router_scheme scheme;
	const struct route *route = NULL;
	char name[ROUTER_HOST_BYTES];
	struct str host;

	if (!router->has_places)
		return every->any ? node_find(every->any, path, search) : NULL;
	scheme = router_scheme_of(request->scheme);
	host = host_of_authority(request->authority, name);
	if (scheme != ROUTER_ANY_SCHEME)
		route = hosts_find(&router->schemes[scheme], host, path, search);
	return route ? route : hosts_find(every, host, path, search);
}

enum router_verdict router_find(const struct router *router, const struct router_request *request,
				struct router_match *out)
{
	struct search search = {.method = router_method(router, request->method),
				.params = out->params};
	struct str path = request->path;

	if (path.len == 0 || path.data[0] != '/')
		return ROUTER_NOT_FOUND; /* "*" of OPTIONS */
	struct str rest = {path.data + 1, path.len - 1};
	const struct route *route = router_search(router, request, rest, &search);
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
