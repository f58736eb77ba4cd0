/* The edge's own pages: health, and RPC by name. One table; routes may not begin with these
 * paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "edge/bridge.h"
#include "edge/chain.h"
#include "edge/edge_internal.h"
#include "edge/router_pattern.h"
#include "observe/errors.h"

static void answer_health(struct exchange *exchange, struct str rest)
{
	struct http_field fields[] = {
		{STR_LITERAL("content-type"), STR_LITERAL("application/json")},
		{STR_LITERAL("cache-control"), STR_LITERAL("no-store")}};
	struct http_response response = {.fields = fields, .field_count = 2};
	char *text = edge_health(exchange->edge, exchange->request->path, &response.status);
	struct str body = str_from(text);

	exchange_respond(exchange, &response,
			 (struct wire_bytes){(const uint8_t *)body.data, body.len}, true);
	free(text);
}

static void fail_rpc(struct exchange *exchange, unsigned status, const struct err *err)
{
	exchange_fail(exchange, &(struct exchange_error){.status = status,
							 .code = error_find(err->code)->name,
							 .message = str_from(err->text)});
}

/* What only a stand-in is known to provide is the other plugin's until that one has told. */
int builtin_find_rpc(struct exchange *exchange, struct service_method *found, struct err *err)
{
	const struct registry *registry = exchange->edge->registry;
	struct target *unheard;
	int r = registry_find(registry, exchange->service, exchange->method_name, found, err);

	if (r < 0)
		return r;
	unheard = routes_unheard(exchange->routes, registry, found->target);
	exchange->target = unheard ? unheard : found->target;
	if (unheard)
		return -EAGAIN;
	if (found->target->plugin->expose)
		return 0;
	err_set(err, ERR_REGISTRY_NOT_EXPOSED, "the methods of plugin \"%s\" are not exposed",
		found->target->plugin->name);
	return -EACCES;
}

/* "/rpc/<service>/<method>": any method of a plugin that is exposed. */
static void answer_rpc(struct exchange *exchange, struct str rest)
{
	const char *slash = memrchr(rest.data, '/', rest.len);
	struct exchange_error error = {.status = 0};
	struct service_method found;
	struct err err;
	int r;

	exchange->bridge = &bridge_rpc;
	exchange->service = (struct str){rest.data, slash ? (size_t)(slash - rest.data) : 0};
	if (slash)
		exchange->method_name =
			(struct str){slash + 1, rest.len - exchange->service.len - 1};
	r = builtin_find_rpc(exchange, &found, &err);
	if (r < 0 && r != -EAGAIN)
		fail_rpc(exchange, r == -EACCES ? 403 : 404, &err);
	else if (!chain_route(exchange, &error))
		exchange_fail(exchange, &error);
	else
		edge_lead(exchange, r, &found, &err);
}

static const struct builtin {
	struct str path; /* ends in '/': everything below it */
	struct str method;
	enum edge_page page;
	void (*answer)(struct exchange *exchange, struct str rest);
} builtins[] = {
	{{"/health/live", 12}, {"GET", 3}, PAGE_LIVE, answer_health},
	{{"/health/ready", 13}, {"GET", 3}, PAGE_READY, answer_health},
	{{"/health/build", 13}, {"GET", 3}, PAGE_BUILD, answer_health},
	{{"/rpc/", 5}, {"POST", 4}, PAGE_RPC, answer_rpc},
};

static bool matches(const struct builtin *builtin, struct str path)
{
	if (builtin->path.data[builtin->path.len - 1] == '/')
		return str_starts_with(path, builtin->path);
	return str_eq(path, builtin->path);
}

static bool takes_method(const struct builtin *builtin, struct str method)
{
	return str_eq(method, builtin->method) ||
	       (str_eq(builtin->method, STR_LITERAL("GET")) && str_eq(method, STR_LITERAL("HEAD")));
}

bool builtin_is_health(const struct exchange *exchange)
{
	return str_starts_with(exchange->request->path, STR_LITERAL("/health/"));
}

void builtin_answer(struct exchange *exchange)
{
	struct str path = exchange->request->path;

	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
		const struct builtin *builtin = &builtins[i];

		if (!matches(builtin, path))
			continue;
		exchange->page = builtin->page;
		if (takes_method(builtin, exchange->request->method))
			builtin->answer(exchange, (struct str){path.data + builtin->path.len,
							       path.len - builtin->path.len});
		else
			exchange_fail(exchange,
				      &(struct exchange_error){
					      .status = 405,
					      .code = "METHOD_NOT_ALLOWED",
					      .message = STR_LITERAL(
						      "This path does not take this method"),
					      .allow = builtin->method});
		return;
	}
	exchange_fail(exchange, &(struct exchange_error){
					.status = 404,
					.code = "NOT_FOUND",
					.message = STR_LITERAL("There is nothing at this path")});
}
