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
	struct dispatch *dispatch;
	struct registry *registry;
	const char *version;
	struct edge_routes *routes; /* in force */
	struct holds holds;
	struct edge_counts counts;
	struct clients *clients; /* what each has asked lately */
	struct siphash_key clients_key;
	struct coders *coders;	 /* of bodies that are compressed */
	uint8_t coded[64 << 10]; /* what one of them has just put out */
	bool draining;
	uint64_t request_key; /* random */
	uint64_t request_count;
	unsigned open;
	struct exchange *free_list;
};

/* The body is over its limit. */
extern const struct exchange_error edge_error_too_large;

/* The edge's own pages: answers a request whose path is reserved. */
void builtin_answer(struct exchange *exchange);

/* A question after the host's health, which must be answered also when clients are refused. */
bool builtin_is_health(const struct exchange *exchange);

/* The method that a browser asks about on behalf of a page of another origin; empty: the request is
 * no such question. */
struct str cors_asked_method(const struct http_request *request);

/* Answers such a question where there is a policy. False: it goes on like any request. */
bool cors_answer(struct exchange *exchange);

/* Who answers what a path below /rpc asks for; *found is its method. 0; -EAGAIN: exchange->target
 * may do it, but has not told yet; or another -errno with *err. */
int builtin_find_rpc(struct exchange *exchange, struct service_method *found, struct err *err);

/* Lets the request go to who was found, or waits, or fails; `r`, *found and *err as the search has
 * left them. */
void edge_lead(struct exchange *exchange, int r, const struct service_method *found,
	       const struct err *err);

#endif
