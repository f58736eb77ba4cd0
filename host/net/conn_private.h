/* What the beginning of a connection and the rest of it know of each other. Only for conn.c and
 * conn_opening.c. */
#ifndef PLUGD_NET_CONN_PRIVATE_H
#define PLUGD_NET_CONN_PRIVATE_H

#include "base/buf.h"
#include "base/loop.h"
#include "net/conn.h"
#include "net/output.h"
#include "net/transport.h"

enum conn_state { CONN_GREETING, CONN_OPEN, CONN_FINISHING, CONN_LINGERING, CONN_CLOSED };

struct conn {
	TAILQ_ENTRY(conn) link;
	struct commons *commons;
	const struct conn_ops *ops;
	void *session; /* only while OPEN */
	enum conn_state state;
	int fd;
	struct transport *transport; /* NULL: none */

	bool is_eof;
	bool is_last_look_due;
	bool is_misdirected;
	bool is_end_said;

	const uint8_t *view; /* in the scratch buffer, during a turn: what was read and not used */
	size_t view_len;
	struct buf in; /* what was not used in earlier turns; then `view` isn't used */
	struct output output;

	enum conn_wait wait;
	int64_t wait_until_ms;
	int64_t write_until_ms; /* while blocked */
	int64_t timer_ms; /* what the timer is set to; it may be earlier than needed, never later */
	size_t lingered;

	struct loop_io io;
	struct loop_timer timer;
	struct loop_flush flush;

	const struct conn_owner *owner;
	void *owner_user;
	struct ip ip;	    /* whose connection it is */
	char peer[IP_TEXT]; /* the same with its port, as text */
	size_t peer_len;
};

void conn_move(struct conn *conn, enum conn_state next);

/* The one place that derives watchers from state. */
void conn_update(struct conn *conn);

/* ---- conn_opening.c ---- */

/* The transport is open, or there is none: the owner begins a protocol. */
void conn_open(struct conn *conn);

/* Who speaks without a transport is heard, so that it can be told. */
void conn_drop_transport(struct conn *conn);

/* What came first has said for whom: the owner decides how it goes on. It may have ended. */
void conn_introduced(struct conn *conn);

#endif
