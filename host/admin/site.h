/* The operator's pages over HTTP: metrics and health, and nothing that changes anything. Apart from
 * the clients' door, on an address of its own. */
#ifndef PLUGD_ADMIN_SITE_H
#define PLUGD_ADMIN_SITE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "edge/edge.h"
#include "observe/log.h"

struct site;

struct site_opts {
	struct loop *loop;
	struct log *log;
	const char *address; /* borrows while the site lives */
	const struct edge *edge;

	/* Appends what GET /metrics answers. */
	void (*write_metrics)(void *user, struct buf *out);
	void *user;
};

/* Returns owned, and it serves; NULL with *err (ERR_LISTEN). */
struct site *site_start(const struct site_opts *opts, struct err *err);

/* Cuts off who is connected. NULL is fine. */
void site_stop(struct site *site);

unsigned site_port(const struct site *site); /* that the address has become */

#endif
