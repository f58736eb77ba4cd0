/* The clients' door.
 *
 * Owns the exchanges, and holds the routes that are in force. A request comes in by on_request,
 * passes the chain, finds its route, and goes over the bridge; what fails on the way is answered
 * here, as JSON with a code, a sentence and the request's id. Every exchange ends in on_closed,
 * exactly once. The listener calls it; below it are the registry and dispatch. */
#include "edge/edge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "edge/bridge.h"
#include "edge/chain.h"
#include "edge/edge_internal.h"
#include "edge/error_body.h"
#include "edge/router_pattern.h"
#include "edge/stand_in.h"
#include "edge/static_files.h"
#include "edge/static_transfer.h"

/* ---- a request ---- */

static void lead_by_name(struct exchange *exchange)
{
	struct service_method found;
	struct err err;
	int r = builtin_find_rpc(exchange, &found, &err);

	edge_lead(exchange, r, &found, &err);
}

/* What was waited for is there, or will not be. */
static void lead_again(struct exchange *exchange)
{
	if (exchange->stood_for)
		stand_in_lead(exchange);
	else if (exchange->route)
		exchange->route->leads.lead->begin(exchange);
	else
		lead_by_name(exchange);
}

static enum router_verdict ask_router(const struct exchange *exchange, struct str method,
				      struct router_match *match)
{
	const struct http_request *request = exchange->request;

	return router_find(exchange->routes->router,
			   &(struct router_request){.method = method,
						    .scheme = request->scheme,
						    .authority = request->authority,
						    .path = request->path},
			   match);
}

/* A question about another method is answered by the policy of the route that this has. */
static bool find_asked_route(struct exchange *exchange)
{
	struct str method = cors_asked_method(exchange->request);
	struct router_match match;
	const struct edge_route *route;

	if (method.len == 0 || ask_router(exchange, method, &match) != ROUTER_FOUND)
		return false;
	route = &exchange->routes->routes[match.id];
	if (!route->cors->origins)
		return false;
	exchange->route = route;
	return true;
}

static bool find_route(struct exchange *exchange, struct exchange_error *error)
{
	const struct http_request *request = exchange->request;
	struct router_match match;

	if (find_asked_route(exchange))
		return true;
	switch (ask_router(exchange, request->method, &match)) {
	case ROUTER_FOUND:
		exchange->route = &exchange->routes->routes[match.id];
		memcpy(exchange->params, match.params,
		       match.param_count * sizeof(*exchange->params));
		exchange->param_count = match.param_count;
		return true;
	case ROUTER_METHOD_NOT_ALLOWED:
		*error = (struct exchange_error){
			.status = 405,
			.code = "METHOD_NOT_ALLOWED",
			.message = STR_LITERAL("This path does not take this method"),
			.allow = arena_str(request->arena, match.allow)};
		return false;
	case ROUTER_NOT_FOUND:
		break;
	}
	*error = (struct exchange_error){.status = 404,
					 .code = "NOT_FOUND",
					 .message = STR_LITERAL("There is nothing at this path")};
	return false;
}

/* Its route is there, or it is one of the edge's own pages. */
static void serve_admitted(struct exchange *exchange, bool is_reserved)
{
	struct exchange_error error = {.status = 0};

	if (cors_answer(exchange))
		return;
	if (is_reserved)
		builtin_answer(exchange);
	else if (!chain_route(exchange, &error))
		exchange_fail(exchange, &error);
	else
		exchange->route->leads.lead->begin(exchange);
}

/* False: it was refused, or waits. */
static bool admit(struct exchange *exchange)
{
	struct exchange_error error = {.status = 0};

	if (chain_admit(exchange, &error))
		return true;
	if (error.status)
		exchange_fail(exchange, &error);
	return false;
}

/* Only what leads somewhere waits. */
void edge_admit(struct exchange *exchange)
{
	if (admit(exchange))
		serve_admitted(exchange, pattern_is_reserved(exchange->request->path));
}

static void serve(struct exchange *exchange)
{
	struct exchange_error error = {.status = 0};
	struct exchange_error lost = {.status = 0};
	bool is_reserved, has_route;

	if (!chain_request(exchange, &error)) {
		exchange_fail(exchange, &error);
		return;
	}
	is_reserved = pattern_is_reserved(exchange->request->path);
	has_route = !is_reserved && find_route(exchange, &lost);
	if (!builtin_is_health(exchange) && !admit(exchange))
		return;
	if (is_reserved || has_route)
		serve_admitted(exchange, is_reserved);
	else
		exchange_fail(exchange, &lost);
}

static struct exchange *take_exchange(struct edge *edge)
{
	struct exchange *exchange = edge->free_list;

	if (exchange)
		edge->free_list = exchange->next_free;
	else
		exchange = mem_alloc(sizeof(*exchange));
	edge->open++;
	return exchange;
}

static void on_request(void *user, struct http_stream *stream, const struct http_request *request)
{
	struct edge *edge = user;
	struct exchange *exchange = take_exchange(edge);

	exchange_init(exchange, edge, stream, request);
	http_stream_set_user(stream, exchange);
	serve(exchange);
}

static void on_body(void *stream_user, const uint8_t *data, size_t len)
{
	bridge_on_body(stream_user, data, len);
}

static void on_body_end(void *stream_user)
{
	bridge_on_body_end(stream_user);
}

static void on_writable(void *stream_user)
{
	struct exchange *exchange = stream_user;

	if (exchange->transfer)
		static_transfer_continue(exchange);
	else
		bridge_on_writable(exchange);
}

/* Outcomes that only the connection knows. */
static void settle(struct exchange *exchange, enum http_closed how)
{
	if (how == HTTP_CLOSED_DONE || exchange->failing)
		return;
	if (exchange->outcome == OUTCOME_OK)
		exchange->outcome = OUTCOME_CANCELLED;
	if (!exchange->answered && exchange->status == 0)
		exchange->status = outcome_row(OUTCOME_CANCELLED)->http_status;
}

static void on_closed(void *stream_user, enum http_closed how)
{
	struct exchange *exchange = stream_user;
	struct edge *edge = exchange->edge;

	identity_end(exchange);
	hold_end(exchange);
	bridge_end(exchange);
	static_transfer_end(exchange, how);
	settle(exchange, how);
	chain_done(exchange, edge->log);
	exchange_deinit(exchange);
	exchange->next_free = edge->free_list;
	edge->free_list = exchange;
	edge->open--;
}

/* An exchange that net ends has an access line of its own, which tells what its client sees. */
static void note_refused(struct exchange *exchange, unsigned status, size_t bytes)
{
	exchange->status = status;
	exchange->sent_bytes = bytes;
}

/* What net refuses gets an id, a line in the log and the same kind of answer as all others. */
static struct str on_refused(void *user, const struct http_refusal *refusal, struct arena *arena,
			     struct http_response *response_out)
{
	struct edge *edge = user;
	struct exchange_error error = {.status = refusal->status,
				       .code = refusal->status == 413 ? edge_error_too_large.code
								      : "BAD_REQUEST",
				       .message = str_from(refusal->why)};
	struct exchange *exchange = refusal->ends_stream ? refusal->stream_user : NULL;
	struct str id = exchange ? exchange->request_id : exchange_make_id(edge, arena);
	struct str body = error_body(arena, &error, id);
	struct http_field *fields = arena_alloc(arena, (2 + SECURITY_HEADERS) * sizeof(*fields));

	counts_add_refused(&edge->counts, str_from(refusal->reason));
	fields[0] =
		(struct http_field){STR_LITERAL("content-type"), STR_LITERAL("application/json")};
	fields[1] = (struct http_field){STR_LITERAL("x-request-id"), id, true};
	response_out->fields = fields;
	response_out->field_count = 2;
	security_add(&edge->routes->from.opts->security, refusal->is_https, fields,
		     &response_out->field_count);
	log_event_bulk(edge->log, LOG_INFO, "http.refused", refusal->why, LOG_STRN("id", id),
		       LOG_STRN("peer", refusal->peer), LOG_STRN("method", refusal->method),
		       LOG_STRN("target", refusal->target), LOG_INT("status", refusal->status));
	if (!exchange)
		access_log_refused(edge, refusal, id, arena);
	else if (refusal->is_sent)
		note_refused(exchange, refusal->status, body.len);
	return body;
}

const struct http_upcalls edge_upcalls = {
	.on_request = on_request,
	.on_body = on_body,
	.on_body_end = on_body_end,
	.on_writable = on_writable,
	.on_closed = on_closed,
	.on_refused = on_refused,
};

/* ---- life ---- */

/* Another number of clients: who has asked too much is forgotten, once. */
static void renew_clients(struct edge *edge)
{
	unsigned keys = edge->routes->from.opts->rate_keys;

	if (edge->clients && clients_keys(edge->clients) == (keys ? keys : 1))
		return;
	clients_free(edge->clients);
	edge->clients = clients_new(keys ? keys : 1, &edge->clients_key);
}

struct edge *edge_new(const struct edge_setup *setup)
{
	struct edge *edge = mem_new(struct edge);

	edge->loop = setup->loop;
	edge->log = setup->log;
	edge->dispatch = setup->dispatch;
	edge->registry = setup->registry;
	edge->version = setup->version;
	edge->routes = setup->routes;
	edge->coders = coders_new();
	counts_init(&edge->counts, setup->metrics);
	holds_init(&edge->holds, edge->loop, lead_again);
	if (getrandom(&edge->request_key, sizeof(edge->request_key), 0) < 0)
		edge->request_key = (uint64_t)loop_now_us(edge->loop);
	if (getrandom(&edge->clients_key, sizeof(edge->clients_key), 0) < 0)
		edge->clients_key.words[0] = edge->request_key;
	edge->identity = setup->identity;
	book_apply(edge->routes->auth.book);
	renew_clients(edge);
	door_init(&edge->door, &edge->routes->from.opts->load.door);
	edge->door.waits = counts_place_waits(&edge->counts, NULL);
	shed_apply(edge, &edge->routes->from.opts->load.shed);
	return edge;
}

void edge_free(struct edge *edge)
{
	struct exchange *exchange;

	if (!edge)
		return;
	assert(edge->open == 0);
	loop_measure_stop(edge->loop, &edge->measure);
	door_deinit(&edge->door);
	loop_flush_cancel(edge->loop, &edge->holds.retry);
	while ((exchange = edge->free_list)) {
		edge->free_list = exchange->next_free;
		free(exchange);
	}
	routes_release(edge->routes);
	counts_deinit(&edge->counts);
	coders_free(edge->coders);
	clients_free(edge->clients);
	free(edge->file_piece);
	free(edge);
}

void edge_apply(struct edge *edge, struct edge_routes *routes)
{
	struct edge_routes *old = edge->routes;

	edge->routes = routes;
	book_apply(routes->auth.book);
	renew_clients(edge);
	door_apply(&edge->door, edge->loop, &routes->from.opts->load.door);
	shed_apply(edge, &routes->from.opts->load.shed);
	routes_release(old);
}

const struct edge_routes *edge_routes(const struct edge *edge)
{
	return edge->routes;
}

void edge_on_plugin_change(struct edge *edge)
{
	holds_on_change(&edge->holds, edge->loop);
}

void edge_set_draining(struct edge *edge)
{
	edge->draining = true;
}

unsigned edge_open_count(const struct edge *edge)
{
	return edge->open;
}
