/* What the files of the edge share: the edge itself. Nobody outside this room
 * includes it. */
#ifndef PLUGD_EDGE_EDGE_INTERNAL_H
#define PLUGD_EDGE_EDGE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/siphash.h"
#include "edge/clients.h"
#include "edge/counts.h"
#include "edge/door.h"
#include "edge/edge.h"
#include "edge/exchange.h"
#include "edge/hold.h"
#include "edge/routes.h"
#include "net/coding.h"
#include "observe/log.h"
#include "registry/service.h"

struct edge {
	struct loop *loop;
	struct log *log;
	struct log *access; /* where requests are logged; NULL: with everything else */
	struct dispatch *dispatch;
	struct registry *registry;
	const char *version;
	struct edge_routes *routes; /* in force */
	struct holds holds;
	struct edge_counts counts;
	struct door door;    /* of all routes that have none of their own */
	struct lateness lag; /* of the loop */
	struct lateness_limit lag_limit;
	struct lateness_limit queue_limit;
	unsigned told_lag;	     /* its level, in the log */
	struct loop_measure measure; /* while the loop may be late */
	struct clients *clients;     /* what each has asked lately */
	struct identity *identity;   /* borrowed */
	struct siphash_key clients_key;
	struct coders *coders;	 /* of bodies that are compressed */
	uint8_t coded[64 << 10]; /* what one of them has just put out */
	bool draining;
	uint64_t request_key; /* random */
	uint64_t request_count;
	unsigned open;
	struct exchange *free_list;
	uint8_t *file_piece; /* where transfers of files read to; NULL: none has yet */
};

/* The body is over its limit. */
extern const struct exchange_error edge_error_too_large;

/* Adds the headers that browsers heed, each that is not among the fields yet; at most
 * SECURITY_HEADERS. */
void security_add(const struct security_opts *opts, bool is_https, struct http_field *fields,
		  size_t *count);

/* A line for what net has refused, where requests are logged in the combined format. */
void access_log_refused(struct edge *edge, const struct http_refusal *refusal, struct str id,
			struct arena *arena);

/* From now on this is late. */
void shed_apply(struct edge *edge, const struct shed_opts *opts);

/* The edge's own pages: answers a request whose path is reserved. */
void builtin_answer(struct exchange *exchange);

/* A question after the host's health, which must be answered also when clients are refused. */
bool builtin_is_health(const struct exchange *exchange);

/* The method that a browser asks about on behalf of a page of another origin; empty: the request is
 * no such question. */
struct str cors_asked_method(const struct http_request *request);

/* Answers such a question where there is a policy. False: it goes on like any request. */
bool cors_answer(struct exchange *exchange);

/* It is such a question, and there is a policy that answers it. */
bool cors_is_asked(const struct exchange *exchange);

/* The request shows something to say who asks, where that is asked. */
bool identity_is_shown(const struct exchange *exchange);

/* Nobody waits any more for who it is. Not waiting is fine. */
void identity_end(struct exchange *exchange);

/* Lets a request that has waited in the chain go on, from where it waited. */
void edge_admit(struct exchange *exchange);

/* Who answers what a path below /rpc asks for; *found is its method. 0; -EAGAIN: exchange->target
 * may do it, but has not told yet; or another -errno with *err. */
int builtin_find_rpc(struct exchange *exchange, struct service_method *found, struct err *err);

/* Lets the request go to who was found, or waits, or fails; `r`, *found and *err as the search has
 * left them. */
void edge_lead(struct exchange *exchange, int r, const struct service_method *found,
	       const struct err *err);

#endif
