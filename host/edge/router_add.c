/* The half of the router that takes rules in. Each is checked before it has a place in the trees,
 * and put in one for each of its hosts; a refused one leaves a router that is only good for
 * router_free(). */
#include "edge/router_host.h"
#include "edge/router_pattern.h"
#include "edge/router_private.h"
#include "observe/errors.h"

/* ---- methods ---- */

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

/* ---- places ---- */

/* The one of that key; the key must live as long as the router. */
static struct node *node_keyed(struct router *router, struct node **table, struct str key)
{
	struct node *node;

	HASH_FIND(hh, *table, key.data, key.len, node);
	if (!node) {
		node = arena_new(&router->arena, struct node);
		HASH_ADD_KEYPTR(hh, *table, key.data, key.len, node);
	}
	return node;
}

static struct node *node_param(struct router *router, struct node *parent, enum param_type type)
{
	if (!parent->params[type])
		parent->params[type] = arena_new(&router->arena, struct node);
	parent->param_set |= 1u << type;
	return parent->params[type];
}

/* `host` NULL: every host. */
static struct node *router_root(struct router *router, enum router_scheme scheme, const char *host)
{
	struct hosts *hosts = &router->schemes[scheme];
	struct str key;

	if (!host) {
		if (!hosts->any)
			hosts->any = arena_new(&router->arena, struct node);
		return hosts->any;
	}
	router->has_places = true;
	if (host_is_wildcard(str_from(host))) {
		key = host_of_authority(str_from(host + 1),
					arena_alloc(&router->arena, ROUTER_HOST_BYTES));
		return node_keyed(router, &hosts->wildcards, key);
	}
	key = host_of_authority(str_from(host), arena_alloc(&router->arena, ROUTER_HOST_BYTES));
	return node_keyed(router, &hosts->exact, key);
}

static struct leaf *router_place(struct router *router, struct node *node,
				 const struct pattern *pattern)
{
	for (size_t i = 0; i < pattern->count; i++) {
		const struct segment *segment = &pattern->segments[i];

		switch (segment->kind) {
		case SEGMENT_LITERAL:
			node = node_keyed(router, &node->literals, segment->text);
			break;
		case SEGMENT_PARAM:
			node = node_param(router, node, segment->type);
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

/* ---- rules ---- */

/* A route that is being added for one host. */
struct addition {
	struct router *router;
	const struct route *route;
	const char *host; /* NULL: every host */
	struct err *err;
};

static int refuse_conflict(const struct addition *addition, const struct route *old,
			   const char *method)
{
	const struct route *route = addition->route;
	const char *host = addition->host;
	char line[ROUTER_LINE_TEXT], old_line[ROUTER_LINE_TEXT];

	if (route == old)
		return err_set(addition->err, ERR_CONFIG_DUPLICATE,
			       "%sthe route \"%s\" lists %s twice",
			       router_line_text(line, route->line), route->pattern, method);
	return err_set(addition->err, ERR_CONFIG_CONFLICT,
		       "%sthe route \"%s\" takes the same requests (%s%s%s) as %sthe route \"%s\"",
		       router_line_text(line, route->line), route->pattern, method,
		       host ? " of " : "", host ? host : "", router_line_text(old_line, old->line),
		       old->pattern);
}

static int refuse_method(const struct addition *addition, const char *method, const char *why)
{
	char line[ROUTER_LINE_TEXT];

	return err_set(addition->err, ERR_CONFIG_RANGE,
		       "%sthe method \"%s\" of the route \"%s\" %s",
		       router_line_text(line, addition->route->line), method,
		       addition->route->pattern, why);
}

static int leaf_add_method(const struct addition *addition, struct leaf *leaf, const char *name)
{
	struct router *router = addition->router;

	if (!pattern_is_method(str_from(name)))
		return refuse_method(addition, name, "is no method: write upper-case letters");
	unsigned method = router_intern_method(router, str_from(name));
	if (method == METHODS_MAX)
		return refuse_method(addition, name, "is one too many for all routes together");
	const struct route *old = leaf_own(leaf, method);
	if (old)
		return refuse_conflict(addition, old, name);

	struct leaf_method *entry = arena_new(&router->arena, struct leaf_method);
	*entry = (struct leaf_method){leaf->methods, method, addition->route};
	leaf->methods = entry;
	leaf->method_set |= METHOD_BIT(method);
	if (method == METHOD_GET)
		leaf->method_set |= METHOD_BIT(METHOD_HEAD);
	return 0;
}

static int leaf_add(const struct addition *addition, struct leaf *leaf, const char *const *methods)
{
	int result = 0;

	if (!methods) {
		if (leaf->any)
			return refuse_conflict(addition, leaf->any, "every method");
		leaf->any = addition->route;
		return 0;
	}
	if (!methods[0])
		return refuse_method(addition, "", "is missing: its list is empty");
	for (const char *const *name = methods; *name && result == 0; name++)
		result = leaf_add_method(addition, leaf, *name);
	return result;
}

static int refuse_host(const struct router_rule *rule, const char *host, int code, const char *why,
		       struct err *err)
{
	char line[ROUTER_LINE_TEXT];

	return err_set(err, code, "%sthe host \"%s\" of the route \"%s\" %s",
		       router_line_text(line, rule->line), host, rule->pattern, why);
}

static int check_hosts(const struct router_rule *rule, struct err *err)
{
	const char *const *hosts = rule->hosts;
	const char *wrong;

	if (hosts && !hosts[0])
		return refuse_host(rule, "", ERR_CONFIG_RANGE, "is missing: its list is empty",
				   err);
	for (size_t i = 0; hosts && hosts[i]; i++) {
		wrong = host_fault(str_from(hosts[i]));
		if (wrong)
			return refuse_host(rule, hosts[i], ERR_CONFIG_RANGE, wrong, err);
		for (size_t j = 0; j < i; j++) {
			if (str_eq_nocase(str_from(hosts[i]), str_from(hosts[j])))
				return refuse_host(rule, hosts[i], ERR_CONFIG_DUPLICATE,
						   "is listed twice", err);
		}
	}
	return 0;
}

int router_add(struct router *router, const struct router_rule *rule, struct err *err)
{
	struct addition addition = {.router = router, .err = err};
	struct pattern pattern;
	struct node *root;
	size_t i = 0;
	int r = pattern_parse(&pattern, rule, err);

	if (r == 0)
		r = check_hosts(rule, err);
	if (r < 0)
		return r;
	addition.route = route_new(router, rule, &pattern);
	router->has_places |= rule->scheme != ROUTER_ANY_SCHEME;
	do {
		addition.host = rule->hosts ? rule->hosts[i++] : NULL;
		root = router_root(router, rule->scheme, addition.host);
		r = leaf_add(&addition, router_place(router, root, &pattern), rule->methods);
	} while (r == 0 && rule->hosts && rule->hosts[i]);
	return r;
}
