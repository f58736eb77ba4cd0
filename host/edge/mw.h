/* The rows of the chain, in its order, one file each. */
#ifndef PLUGD_EDGE_MW_H
#define PLUGD_EDGE_MW_H

#include "edge/chain.h"

/* Gives every request an id, or takes a sensible one from the client, and tells it in
 * X-Request-Id. */
extern const struct middleware mw_request_id;

/* Finds out who asks, of whom trusted proxies say that, and takes what anybody says about it out of
 * the request. */
extern const struct middleware mw_client;

/* Refuses clients by their address: 403. */
extern const struct middleware mw_lists;

/* Refuses who asks too often: 429. */
extern const struct middleware mw_rate;

/* Finds out who asks, where that is asked, and refuses who may not: 401, 403. */
extern const struct middleware mw_identity;

/* What mw_rate has put off until it is known who asks, or that nobody will be known. */
extern const struct middleware mw_rate_principal;
bool rate_settle(struct exchange *exchange, struct exchange_error *error);

/* Tells browsers what pages of other origins may do. */
extern const struct middleware mw_cors;

/* Adds headers that browsers heed. */
extern const struct middleware mw_security;

/* Refuses less important routes while the host is late: 503. */
extern const struct middleware mw_shed;

/* Refuses when too many requests are there, and takes those that are over from their place. */
extern const struct middleware mw_concurrency;

/* Refuses a body whose length is announced and too large: 413. What is not announced is counted as
 * it comes, in the bridge. */
extern const struct middleware mw_body_limit;

/* Lets bodies in that come compressed, where the route asks for it, and refuses other codings
 * there: 415. */
extern const struct middleware mw_decompress;

/* Reads the client's own deadline, and refuses one that can't be read: 400. */
extern const struct middleware mw_deadline;

/* One line for each request. */
extern const struct middleware mw_access_log;

/* Each request is counted. */
extern const struct middleware mw_metrics;

#endif
