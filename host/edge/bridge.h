/* From an HTTP request to a call and back. Two kinds: the raw HTTP service, where the plugin sees
 * the request, and RPC, where the body is the message. Both hold the client back when the plugin
 * has no credit, and the plugin when the client reads slowly. */
#ifndef PLUGD_EDGE_BRIDGE_H
#define PLUGD_EDGE_BRIDGE_H

#include <stdbool.h>

#include "edge/exchange.h"

/* The difference between the two kinds. */
struct bridge_ops {
	/* Asking twice does no harm. */
	bool (*is_idempotent)(const struct exchange *exchange);

	/* The request is one message, which can be asked again as a whole. NULL: it always is. */
	bool (*is_whole)(const struct exchange *exchange);

	/* Largest body that the method takes. NULL: the route's limit alone counts. */
	uint64_t (*body_limit)(const struct exchange *exchange);

	/* Starts the call with the first bytes of the body; `last`: and there are no more. May end
	 * it at once. */
	void (*start)(struct exchange *exchange, struct wire_bytes body, bool last);

	/* Further bytes of the body. */
	void (*send)(struct exchange *exchange, struct wire_bytes body, bool last);

	/* The call has left the queue, or takes more again. NULL: nothing to do. */
	void (*resume)(struct exchange *exchange);

	/* As in dispatch_ops. NULL: the payload is the request. */
	void (*identify)(struct wire_bytes payload, struct digest_stream *to);

	/* A payload of the answer; `end`: the last. False with *why_out: it can't be used. */
	bool (*take)(struct exchange *exchange, struct wire_bytes payload, bool more, bool end,
		     const char **why_out);
};

extern const struct bridge_ops bridge_http;
extern const struct bridge_ops bridge_rpc;

/* The exchange has bridge, target and method: lets the request go to the plugin. */
void bridge_begin(struct exchange *exchange);

/* Its turn at the door has come, with what of its body had come before. */
void bridge_go_on(struct exchange *exchange, struct wire_bytes body, bool last);

/* News from the client. */
void bridge_on_body(struct exchange *exchange, const uint8_t *data, size_t len);
void bridge_on_body_end(struct exchange *exchange);
void bridge_on_writable(struct exchange *exchange);

/* The exchange is over: a call that still runs is cancelled. */
void bridge_end(struct exchange *exchange);

/* Holds the request to the limit of whoever answers now. False: it is too large, and has failed. */
bool bridge_fits(struct exchange *exchange);

/* For the two kinds: starts the exchange's call. `request` has metadata, payload, more and end;
 * what it points to is in the stream's arena if the exchange is repeatable. */
void bridge_call(struct exchange *exchange, struct wire_request *request);

/* The exchange's call ends on our word; the time that it has taken is kept. */
void bridge_cancel_call(struct exchange *exchange, enum outcome outcome, struct str reason);

#endif
