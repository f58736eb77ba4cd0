/* One HTTP request with its answer, as the rooms of the edge pass it on: through the chain of
 * middlewares, to its route, over the bridge to a plugin, and back. The struct is the edge's own;
 * nobody outside this room looks into it. */
#ifndef PLUGD_EDGE_EXCHANGE_H
#define PLUGD_EDGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "dispatch/dispatch.h"
#include "edge/answer_reader.h"
#include "edge/auth.h"
#include "edge/counts.h"
#include "edge/decoder.h"
#include "edge/edge_opts.h"
#include "edge/encoder.h"
#include "edge/router.h"
#include "net/message.h"
#include "registry/service.h"

struct edge;
struct edge_route;
struct edge_routes;
struct bridge_ops;
struct bucket;
struct door;
struct door_wait;
struct hold;
struct middleware;
struct static_transfer;

/* Ways to say who one is that an answer may name. */
#define EXCHANGE_CHALLENGES 4

/* Fields that the edge adds to every answer. */
#define EXCHANGE_EXTRA_FIELDS (14 + SECURITY_HEADERS)

/* Messages with a length before each, as they come and go in pieces. */
struct rpc_stream {
	uint8_t prefix[4];
	size_t prefix_len; /* of it that has come */
	uint32_t left;	   /* of the request's message that has begun */
	bool in_message;
	struct buf kept; /* body that came while the call waited for its turn */
	bool has_kept;
	bool kept_last;
	struct buf answer; /* a message of the answer that is not whole yet */
};

/* How the host says that a plugin can't answer. */
struct exchange_refusal {
	enum outcome outcome;
	struct str message; /* in the arena; may be empty */
	uint32_t retry_after_ms;
};

struct exchange {
	struct edge *edge;
	struct http_stream *stream;
	const struct http_request *request; /* in the stream's arena; as middlewares tell it on */
	const struct http_request *came;    /* and as it came */
	struct exchange *next_free;

	struct str request_id;
	const struct bucket
		*bucket;  /* of its client's requests, when that is told; NULL: it isn't */
	struct str proxy; /* the trusted one that says so; empty: none does */
	int64_t started_us;
	int64_t client_timeout_ms; /* DEADLINE_HEADER_NONE: it sets none */

	struct hold *hold;	/* waits for its plugin's first start; NULL: it doesn't */
	struct door *door;	/* where it needs a place; NULL: nowhere */
	struct door_wait *wait; /* waits for its place there; NULL: it doesn't */
	bool has_place;
	struct str service; /* that it asks for */
	struct str method_name;
	struct edge_routes *routes;	/* that were in force when it came; holds */
	const struct edge_route *route; /* NULL: none has matched, or it is one of the edge's own */
	enum edge_page page;		/* without a route: which of the edge's own */
	const struct middleware *refused_by; /* NULL: it passed the chain, so far */
	size_t admitted;		     /* middlewares that have, or that it waits in */
	struct exchange_auth auth;
	size_t param_count;
	uint64_t body_limit; /* of the request's body */
	uint64_t body_bytes; /* that have come */
	bool body_ended;
	struct decoder decoder;	   /* of a body that comes compressed */
	struct str refused_coding; /* it comes in another coding than these; empty: it doesn't */
	bool is_repeatable;	   /* the call gets the whole body at once, from the arena */
	uint8_t *collected;	   /* what has come of it; NULL: nothing, or it came whole */

	/* The call that answers, if one does. */
	const struct bridge_ops *bridge;
	struct target *target;
	const struct manifest_method *method;
	struct manifest *manifest; /* that the method is of; holds */
	struct meter *meter;	   /* of the method */
	struct dispatch_call *call;
	struct answer_reader reader; /* raw HTTP */
	struct rpc_stream rpc;	     /* RPC that streams */
	uint32_t held;		     /* consumed by us, but the client has not taken it yet */
	bool started;		     /* there was a call, or the attempt at one */
	bool is_asking;		     /* the call is being started */
	bool end_waits;		     /* the body has ended, and the call doesn't take that yet */
	bool failing;		     /* the call's answer can't be used: its end is awaited */

	/* When `target` stands in for the plugin that should have answered. */
	struct target *stood_for;	 /* that one; NULL: nothing stands in */
	struct exchange_refusal refusal; /* how its part has ended */
	const struct wire_request *kept; /* what it was asked; NULL: it was not */

	struct static_transfer *transfer; /* a file that answers; NULL: none does, or it is short */

	struct encoder encoder; /* of an answer that is compressed */
	bool answered;		/* the head has been sent */
	bool ended;		/* and the last byte of the body */
	unsigned status;
	uint64_t sent_bytes;   /* of the body */
	uint64_t answer_bytes; /* the same, before compression */
	enum outcome outcome;
	int64_t queue_us;
	int64_t plugin_us;
	unsigned attempts;

	struct router_param params[ROUTER_MAX_PARAMS]; /* last: not cleared for each request */
};

void exchange_init(struct exchange *exchange, struct edge *edge, struct http_stream *stream,
		   const struct http_request *request);
void exchange_deinit(struct exchange *exchange);

/* The method that answers. */
void exchange_set_method(struct exchange *exchange, const struct service_method *found);

/* What is left of the shortest time-out, from the arrival of the request; 0 or less: it is over. */
int64_t exchange_time_left_ms(const struct exchange *exchange);

/* The client has set a shorter time than the operator. */
bool exchange_is_impatient(const struct exchange *exchange);

/* A new request id, in the arena. */
struct str exchange_make_id(struct edge *edge, struct arena *arena);

/* What the edge answers by itself: a small JSON object. */
struct exchange_error {
	unsigned status;
	const char *code;	 /* "NOT_FOUND" */
	struct str message;	 /* for a human */
	uint32_t retry_after_ms; /* 0: the usual, where the status asks for one */
	struct str allow;	 /* for 405; empty: none */
	struct str challenges[EXCHANGE_CHALLENGES]; /* for WWW-Authenticate */
	size_t challenge_count;
};

/* Says in *error why a request is refused: a status, the name of this number, a sentence. Returns
 * false, as a middleware does that refuses. */
bool exchange_refuse(struct exchange_error *error, unsigned status, int code, struct str message);

/* Answers with an error if nothing has been answered; cuts the answer off if its head has gone. */
void exchange_fail(struct exchange *exchange, const struct exchange_error *error);

/* The same from how a call ended. */
void exchange_fail_outcome(struct exchange *exchange, enum outcome outcome, struct str message,
			   uint32_t retry_after_ms);

/* Begins the answer. False: status or fields can't be sent, and nothing was. */
bool exchange_respond(struct exchange *exchange, const struct http_response *response,
		      struct wire_bytes body, bool end);
void exchange_send(struct exchange *exchange, struct wire_bytes body, bool end);

/* As http_stream_takes_files() and http_stream_send_file(). */
bool exchange_takes_files(const struct exchange *exchange);
void exchange_send_file(struct exchange *exchange, int fd, uint64_t offset, size_t len, bool end);

/* The client sees that its answer, whose head it has, is cut off. */
void exchange_cut(struct exchange *exchange);

#endif
