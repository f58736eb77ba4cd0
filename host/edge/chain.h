/* The middlewares: what happens to every request on its way in and to every answer on its way out.
 * One array, read from top to bottom; a middleware decides, it doesn't send. Pure. */
#ifndef PLUGD_EDGE_CHAIN_H
#define PLUGD_EDGE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "edge/exchange.h"
#include "observe/log.h"

struct middleware {
	const char *name;

	/* A request came. False: it is answered with *error, and those below never see it. */
	bool (*on_request)(struct exchange *exchange, struct exchange_error *error);

	/* Where it leads is known: its route, or none (NULL) when it leads nowhere or to a method
	 * by name. Likewise; or it waits (error->status stays 0), and is asked again when
	 * edge_admit() says so. Not asked about the edge's pages of health. */
	bool (*on_admit)(struct exchange *exchange, struct exchange_error *error);

	/* Its route is there, or the method by name. Likewise. */
	bool (*on_route)(struct exchange *exchange, struct exchange_error *error);

	/* An answer goes out: adds fields, at most EXCHANGE_EXTRA_FIELDS by all together. */
	void (*on_response)(struct exchange *exchange, struct http_field *fields, size_t *count);

	/* It is over, whatever became of it. */
	void (*on_done)(struct exchange *exchange, struct log *log);
};

extern const struct middleware *const chain[];
extern const size_t chain_length;

bool chain_request(struct exchange *exchange, struct exchange_error *error);
/* Goes on where it has waited. False with error->status 0: it waits. */
bool chain_admit(struct exchange *exchange, struct exchange_error *error);
bool chain_route(struct exchange *exchange, struct exchange_error *error);
void chain_response(struct exchange *exchange, struct http_field *fields, size_t *count);
void chain_done(struct exchange *exchange, struct log *log);

#endif
