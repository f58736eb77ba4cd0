/* HTTP requests as they come in: the first message is the head, which finds the route; what follows
 * is body, collected for the handler or passed on piece by piece. Called by receive.c. What no
 * route takes is answered here: 404, 405, 413. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/events.h"
#include "sdk/http.h"
#include "sdk/runtime.h"

/* The library answers: the handler is not called. */
static void http_refuse(struct plug_call *call, unsigned status, const char *text)
{
	call->returned = true;
	plug_http_text(call, status, "%s\n", text);
}

static void http_refuse_method(struct plug_call *call)
{
	char allow[256];

	route_allow(&call->plug->routes, call->http.request.path, allow, sizeof(allow));
	plug_http_set(call, "allow", allow);
	http_refuse(call, 405, "the path has no such method");
}

/* Strings are handed out terminated: one with a zero inside would be another one for the
 * handler. */
static bool has_zero(struct wire_bytes bytes)
{
	return bytes.len > 0 && memchr(bytes.data, 0, bytes.len) != NULL;
}

static size_t http_max_body(const struct plug_call *call)
{
	size_t max_body = call->http.route->max_body;

	return max_body > 0 ? max_body : call->plug->limits.max_message_bytes;
}

static bool http_collect(struct plug_call *call, struct wire_bytes piece)
{
	const char *why;

	if (call->http.body.len + piece.len > http_max_body(call)) {
		http_refuse(call, 413, "the body is too large");
		return false;
	}
	why = call_collect(call, &call->http.body, piece);
	if (why != NULL)
		call_give_up(call, PLUG_RESOURCE_EXHAUSTED, why);
	return why == NULL;
}

/* Body for a handler that wants all of it. */
static void http_receive_whole(struct plug_call *call, struct wire_bytes piece)
{
	if (call->caller_ended && call->http.body.len == 0) {
		if (piece.len > http_max_body(call)) {
			http_refuse(call, 413, "the body is too large");
			return;
		}
		call->request = piece;
	} else {
		if (!http_collect(call, piece))
			return;
		call->request = (struct wire_bytes){call->http.body.data, call->http.body.len};
	}
	if (call->caller_ended)
		call_start(call);
}

static void http_receive_body(struct plug_call *call, struct wire_bytes piece, uint32_t debt)
{
	if (!call->http.route->stream) {
		call_spend(call, debt);
		http_receive_whole(call, piece);
		return;
	}
	if (!call->started)
		call_start(call);
	if (piece.len == 0)
		call_spend(call, debt);
	else if (!events_take(call, piece, debt))
		call_give_up(call, PLUG_RESOURCE_EXHAUSTED, "no memory for the body");
	if (call->caller_ended)
		events_end(call);
}

/* The head must outlive its frame when more than this frame is needed to answer. False without
 * memory. */
static bool http_keep_head(struct plug_call *call, struct wire_bytes message)
{
	struct wire_bytes copy = message;
	const char *why;

	if (call->partial.len > 0) {
		call->http.head = call_steal(call, &call->partial);
		return true;
	}
	if (call->caller_ended && call->plug->workers == NULL && !*call->keeps &&
	    !call->http.route->stream)
		return true;
	call->http.head = malloc(message.len);
	if (call->http.head == NULL)
		return false;
	memcpy(call->http.head, message.data, message.len);
	copy.data = call->http.head;
	call->head.payload.len = 0;
	return wire_get_http_request(copy, &call->http.request, &why);
}

/* False: there is none, and the request was answered. */
static bool http_find_route(struct plug_call *call)
{
	const struct wire_http_request *request = &call->http.request;
	bool path_known;
	struct route_entry *entry =
		route_find(&call->plug->routes, request->method, request->path, &path_known);

	if (entry == NULL && path_known) {
		http_refuse_method(call);
	} else if (entry == NULL) {
		http_refuse(call, 404, "the plugin has no such path");
	} else if (has_zero(request->path) || has_zero(request->query)) {
		http_refuse(call, 400, "the path or the query holds a zero byte");
	} else {
		call->http.route = entry->route;
		call->keeps = &entry->keeps;
		return true;
	}
	return false;
}

static void http_receive_head(struct plug_call *call, struct wire_bytes message, uint32_t debt)
{
	const char *why;

	if (!wire_get_http_request(message, &call->http.request, &why)) {
		call_spend(call, debt);
		call_refuse(call, PLUG_INVALID_ARGUMENT, true, why);
	} else if (!http_find_route(call)) {
		call_spend(call, debt);
	} else {
		call->http.known = true;
		if (http_keep_head(call, message)) {
			http_receive_body(call, call->http.request.body, debt);
			return;
		}
		call_spend(call, debt);
		call_refuse(call, PLUG_RESOURCE_EXHAUSTED, true, "no memory for the request");
	}
}

void http_receive(struct plug_call *call, struct wire_bytes message, uint32_t debt, bool no_message)
{
	struct wire_http_request piece = {{NULL, 0}};
	const char *why;

	if (!call->http.known && no_message && !call->caller_ended)
		return;
	if (!call->http.known) {
		http_receive_head(call, message, debt);
		return;
	}
	if (!no_message && !wire_get_http_request(message, &piece, &why)) {
		call_spend(call, debt);
		call_give_up(call, PLUG_INVALID_ARGUMENT, why);
		return;
	}
	http_receive_body(call, piece.body, debt);
}
