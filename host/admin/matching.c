/* Which route takes a request, and why each other one that could have does not: the answer to
 * `plugctl routes --match`. The request is read as net reads one, and judged by the rules that the
 * router is made of; nobody is asked anything. Called by the admin command, and by plugctl itself
 * for a file. */
#include "admin/matching.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/member.h"
#include "edge/router_explain.h"
#include "edge/router_host.h"
#include "edge/router_pattern.h"
#include "net/chars.h"
#include "net/message.h"
#include "net/target.h"
#include "observe/errors.h"
#include "proto/wire_http.h"

static const char *const schemes[ROUTER_SCHEMES] = {
	[ROUTER_ANY_SCHEME] = "any", [ROUTER_HTTP] = "http", [ROUTER_HTTPS] = "https"};

/* ---- a route ---- */

static json_t *texts_json(char *const *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; texts && texts[i]; i++)
		json_array_append_new(list, text_json(str_from(texts[i])));
	return list;
}

/* What it leads to, in one word: a method, a directory, or where a redirect goes. */
static const char *target_of(const struct route_opts *route)
{
	if (route->routing.redirect.to)
		return route->routing.redirect.to;
	if (route->files.directory)
		return route->files.directory;
	return route->rpc ? route->rpc : WIRE_HTTP_SERVICE "/" WIRE_HTTP_METHOD;
}

void matching_route_facts(json_t *object, const struct route_opts *route)
{
	member_json(object, "methods", texts_json(route->methods));
	member_text(object, "scheme", schemes[route->routing.scheme]);
	member_json(object, "hosts", texts_json(route->routing.hosts));
	member_text(object, "path", route->path);
	member_text(object, "group", route->routing.group);
	member_int(object, "line", route->line);
	member_text(object, "plugin", route->plugin);
	member_text(object, "rewrite", route->routing.rewrite);
	member_text(object, "redirect", route->routing.redirect.to);
	member_text(object, "directory", route->files.directory);
	member_text(object, "target", target_of(route));
}

/* ---- the request ---- */

static int refuse(const char *why, struct err *err)
{
	return err_set(err, ERR_ADMIN_REQUEST,
		       "%s; write \"GET /path\" or \"GET https://example.com/path\"", why);
}

/* "GET /x" taken apart; a target alone is asked for with GET. */
static int read_request(struct arena *arena, struct str text, struct router_request *out,
			struct err *err)
{
	const char *space = text.len ? memchr(text.data, ' ', text.len) : NULL;
	size_t len = space ? (size_t)(space - text.data) : 0;
	struct str url = str_trim((struct str){text.data + len, text.len - len});
	struct target target;
	enum fault fault;

	out->method = space ? (struct str){text.data, len} : STR_LITERAL("GET");
	if (!chars_is_token(out->method))
		return refuse("the request does not begin with a method", err);
	fault = url.len == 0 ? FAULT_TARGET : target_parse(arena, out->method, url, &target);
	if (fault)
		return refuse(fault_rows[fault].why, err);
	out->scheme = target.is_absolute && (url.data[4] | 0x20) == 's' ? STR_LITERAL("https")
									: STR_LITERAL("http");
	out->authority = target.authority;
	out->path = target.path;
	return 0;
}

static json_t *request_json(const struct router_request *request)
{
	json_t *object = json_object();
	char name[ROUTER_HOST_BYTES];

	member_str(object, "method", request->method);
	member_str(object, "scheme", request->scheme);
	member_str(object, "host", host_of_authority(request->authority, name));
	member_str(object, "path", request->path);
	return object;
}

/* ---- the candidates ---- */

/* What is at that place of the pattern, as it is written there. */
static const char *segment_text(const char *path, size_t index, struct arena *arena)
{
	static const char *const marks[] = {
		[SEGMENT_LITERAL] = "", [SEGMENT_PARAM] = ":", [SEGMENT_REST] = "*"};
	struct pattern pattern;
	const struct segment *segment = &pattern.segments[index];
	const char *type;

	if (pattern_fault(&pattern, path) || index >= pattern.count)
		return "nothing";
	type = segment->kind == SEGMENT_PARAM ? param_type_name(segment->type) : "";
	return arena_printf(arena, "\"%s%.*s%s%s%s\"", marks[segment->kind], STR_ARG(segment->text),
			    *type ? "<" : "", type, *type ? ">" : "");
}

static const char *why(const struct edge_opts *edge, const struct router_candidate *candidate,
		       const struct router_candidate *winner, struct arena *arena)
{
	const struct route_opts *route = &edge->routes[candidate->index];
	const struct route_opts *best = &edge->routes[winner->index];

	switch (candidate->fate) {
	case FATE_WINS:
		return "it names most of what is asked";
	case FATE_LESS_SCHEME:
		return arena_printf(arena, "it is for every scheme, the winner for %s",
				    schemes[best->routing.scheme]);
	case FATE_LESS_HOST:
		return "the winner names the host more exactly";
	case FATE_LESS_PATH:
		return arena_printf(arena, "segment %zu of its path is %s, which gives way to %s",
				    candidate->segment + 1,
				    segment_text(route->path, candidate->segment, arena),
				    segment_text(best->path, candidate->segment, arena));
	case FATE_LESS_METHOD:
		return "the winner names the method more exactly";
	case FATE_OTHER_SCHEME:
		return arena_printf(arena, "it is for %s", schemes[route->routing.scheme]);
	case FATE_OTHER_HOST:
		return "it is for other hosts";
	case FATE_OTHER_METHOD:
		return "it is for other methods";
	case FATE_OTHER_TYPE:
		return arena_printf(arena, "\"%.*s\" is not of the type %s",
				    STR_ARG(candidate->value), param_type_name(candidate->type));
	}
	return "";
}

static json_t *candidate_json(const struct edge_opts *edge,
			      const struct router_candidate *candidate,
			      const struct router_candidate *winner, struct arena *arena)
{
	json_t *object = json_object();

	member_bool(object, "wins", candidate->fate == FATE_WINS);
	member_text(object, "why", why(edge, candidate, winner, arena));
	matching_route_facts(object, &edge->routes[candidate->index]);
	return object;
}

/* What the winner's path captures, decoded as the plugin gets it. */
static json_t *params_json(const char *path, const struct router_request *request,
			   struct arena *arena)
{
	struct str rest = {request->path.data + 1, request->path.len - 1};
	json_t *object = json_object();
	struct pattern pattern;
	struct str value;

	pattern_fault(&pattern, path);
	for (size_t i = 0; i < pattern.count; i++) {
		const struct segment *segment = &pattern.segments[i];
		const char *name = arena_strndup(arena, segment->text);
		struct str before = rest;

		segment_next(&rest, &value);
		if (segment->kind == SEGMENT_REST)
			value = before;
		if (segment->kind != SEGMENT_LITERAL)
			member_str(object, name, http_segment_decode(arena, value));
	}
	return object;
}

/* ---- the answer ---- */

static struct router_rule *rules_of(const struct edge_opts *edge)
{
	struct router_rule *rules = mem_array(edge->route_count + 1, sizeof(*rules));

	for (size_t i = 0; i < edge->route_count; i++) {
		const struct route_opts *route = &edge->routes[i];

		rules[i] = (struct router_rule){
			.pattern = route->path,
			.methods = (const char *const *)route->methods,
			.hosts = (const char *const *)route->routing.hosts,
			.scheme = route->routing.scheme,
		};
	}
	return rules;
}

/* As the client will see it, if the route itself has nothing against it. */
static const char *verdict_of(const struct router_request *request,
			      const struct router_candidate *candidates, size_t count)
{
	bool has_other_method = false;

	if (pattern_is_reserved(request->path))
		return "plugd answers itself";
	if (count > 0 && candidates[0].fate == FATE_WINS)
		return "found";
	for (size_t i = 0; i < count; i++)
		has_other_method |= candidates[i].fate == FATE_OTHER_METHOD;
	return has_other_method ? "405 METHOD_NOT_ALLOWED" : "404 NOT_FOUND";
}

static json_t *answer_json(const struct edge_opts *edge, const struct router_request *request,
			   struct arena *arena)
{
	struct router_rule *rules = rules_of(edge);
	struct router_candidate *candidates = mem_array(edge->route_count + 1, sizeof(*candidates));
	size_t count = pattern_is_reserved(request->path)
			       ? 0
			       : router_explain(rules, edge->route_count, request, candidates);
	json_t *object = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
				      candidate_json(edge, &candidates[i], candidates, arena));
	member_json(object, "request", request_json(request));
	member_text(object, "verdict", verdict_of(request, candidates, count));
	if (count > 0 && candidates[0].fate == FATE_WINS)
		member_json(object, "params",
			    params_json(edge->routes[candidates[0].index].path, request, arena));
	member_json(object, "candidates", list);
	free(candidates);
	free(rules);
	return object;
}

json_t *matching_json(const struct edge_opts *edge, const char *text, struct err *err)
{
	struct router_request request;
	struct arena arena = {0};
	json_t *answer = NULL;

	if (read_request(&arena, str_trim(str_from(text)), &request, err) == 0)
		answer = answer_json(edge, &request, &arena);
	arena_deinit(&arena);
	return answer;
}
