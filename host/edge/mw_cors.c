/* Pages of other origins: what a browser may do for them is answered here, before a request
 * (preflight) and with each answer. What a plugin has said itself about an origin is left as it is.
 *
 * An answer that may differ from one origin to the next says so in Vary, also to who names none: a
 * cache must not hand it to another. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "observe/errors.h"

#define DEFAULT_MAX_AGE_MS (INT64_C(10) * 60 * 1000)

struct str cors_asked_method(const struct http_request *request)
{
	if (!str_eq(request->method, STR_LITERAL("OPTIONS")) ||
	    http_request_value(request, "origin").len == 0)
		return (struct str){NULL, 0};
	return http_request_value(request, "access-control-request-method");
}

/* NULL: there is none. */
static const struct cors_opts *policy_of(const struct exchange *exchange)
{
	const struct cors_opts *opts =
		exchange->route ? exchange->route->cors : &exchange->routes->from.opts->cors;

	return opts->origins ? opts : NULL;
}

/* ---- before a request ---- */

static void refuse(struct exchange *exchange, const char *why, struct str what)
{
	exchange->refused_by = &mw_cors;
	exchange_fail(exchange,
		      &(struct exchange_error){
			      .status = 403,
			      .code = error_find(ERR_ORIGIN_FORBIDDEN)->name,
			      .message = str_from(arena_printf(exchange->request->arena,
							       "%s may not be used by "
							       "pages of another origin here: %.*s",
							       why, STR_ARG(what)))});
}

static void allow(struct exchange *exchange, const struct cors_opts *opts, struct str headers)
{
	struct arena *arena = exchange->request->arena;
	int64_t max_age_ms = opts->max_age_ms ? opts->max_age_ms : DEFAULT_MAX_AGE_MS;
	struct http_field fields[] = {
		{STR_LITERAL("access-control-allow-methods"), cors_methods(opts, arena)},
		{STR_LITERAL("access-control-max-age"),
		 str_from(arena_printf(arena, "%lld", (long long)(max_age_ms / 1000)))},
		{STR_LITERAL("vary"),
		 STR_LITERAL("Access-Control-Request-Method, Access-Control-Request-Headers")},
		{STR_LITERAL("access-control-allow-headers"), headers},
	};

	exchange_respond(exchange,
			 &(struct http_response){.status = 204,
						 .fields = fields,
						 .field_count = headers.len > 0 ? 4 : 3},
			 (struct wire_bytes){NULL, 0}, true);
}

bool cors_is_asked(const struct exchange *exchange)
{
	return policy_of(exchange) && cors_asked_method(exchange->request).len > 0;
}

bool cors_answer(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	const struct cors_opts *opts = policy_of(exchange);
	struct str method = cors_asked_method(request);
	struct str headers = http_request_value(request, "access-control-request-headers");

	if (!opts || method.len == 0)
		return false;
	if (!cors_allows_origin(opts, http_request_value(request, "origin")))
		refuse(exchange, "This path", request->path);
	else if (!cors_allows_method(opts, method))
		refuse(exchange, "The method", method);
	else if (!cors_allows_headers(opts, headers))
		refuse(exchange, "One of these headers", headers);
	else
		allow(exchange, opts, headers);
	return true;
}

/* ---- with an answer ---- */

static void add(struct http_field *fields, size_t *count, const char *name, struct str value)
{
	fields[(*count)++] = (struct http_field){str_from(name), value};
}

static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	const struct cors_opts *opts = policy_of(exchange);
	struct str origin = http_request_value(exchange->request, "origin");
	bool has_own =
		http_field_find_nocase(fields, *count, STR_LITERAL("access-control-allow-origin"));
	struct str exposed;

	if (!opts)
		return;
	if (!cors_is_open(opts))
		add(fields, count, "vary", STR_LITERAL("Origin"));
	if (has_own || origin.len == 0 || !cors_allows_origin(opts, origin))
		return;
	add(fields, count, "access-control-allow-origin",
	    cors_is_open(opts) ? STR_LITERAL("*") : origin);
	if (opts->credentials)
		add(fields, count, "access-control-allow-credentials", STR_LITERAL("true"));
	exposed = cors_exposed(opts, exchange->request->arena);
	if (exposed.len > 0)
		add(fields, count, "access-control-expose-headers", exposed);
}

const struct middleware mw_cors = {.name = "cors", .on_response = on_response};
