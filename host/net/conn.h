/* One accepted socket: reads, writes, waits and ends, and knows no protocol. A session
 * (http1_stream.c) sits on it: it takes bytes out, puts bytes in, and says what it is waiting
 * for. */
#ifndef PLUGD_NET_CONN_H
#define PLUGD_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/str.h"
#include "net/addr.h"
#include "net/commons.h"
#include "net/output.h"

struct conn;
struct http_tls;
struct ip;
struct proxy_header;
struct transport;

/* What the session is waiting for; each has its timeout in net_opts. */
enum conn_wait {
	CONN_WAIT_NONE,	    /* for somebody on our side: no limit here */
	CONN_WAIT_GREETING, /* until the transport is open: before there is a session */
	CONN_WAIT_IDLE,
	CONN_WAIT_HEAD,
	CONN_WAIT_BODY, /* silence: begins again with each byte read */
	/* To find out whether a client that will send nothing more is still there: again and
	 * again. */
	CONN_WAIT_GONE,
};

/* What a session does. */
struct conn_ops {
	/* Take bytes, do what can be done. True: something was done, so there may be more. Called
	 * after reading and at the end of every turn in which something happened. */
	bool (*on_turn)(void *session);

	/* False: what is read now only waits in the connection, and little of it. */
	bool (*wants_bytes)(const void *session);

	void (*on_timeout)(void *session, enum conn_wait wait);

	/* The socket is gone. Free the session (loop_retire). Not called after conn_finish() or
	 * conn_reset(). */
	void (*on_lost)(void *session, enum http_closed how);
};

TAILQ_HEAD(conn_list, conn);

/* What whoever has it does. */
struct conn_owner {
	/* After conn_introduce(): conn_greet() it, or end it. Once, or never. Borrows. */
	void (*on_introduced)(void *user, struct conn *conn, const struct proxy_header *header);

	/* It can carry a protocol: begin one with conn_start(). Once, or never. */
	void (*on_open)(void *user, struct conn *conn);

	/* Once, last: it has ended, by itself or by any of the verbs below. */
	void (*on_gone)(void *user, struct conn *conn);
};

/* Takes `fd`, borrows `owner`. */
struct conn *conn_new(struct commons *commons, int fd, const struct addr *peer,
		      const struct conn_owner *owner, void *user);

/* Takes `introduction` (net/introduction.h), and waits until it has read who the client is. Before
 * conn_greet(). */
void conn_introduce(struct conn *conn, struct transport *introduction);

/* Who the client is, when it is another than who connected. Before conn_greet(). */
void conn_set_peer(struct conn *conn, const struct ip *ip, unsigned port);

/* Takes `transport`, and waits until it is open; NULL: on_open comes at once. */
void conn_greet(struct conn *conn, struct transport *transport);

/* Begins to read for the session. */
void conn_start(struct conn *conn, const struct conn_ops *ops, void *session);

/* The host is going (commons.is_stopping is set): looks for bytes once more, then gives the session
 * a turn. */
void conn_stop(struct conn *conn);

/* Ends it at once: on_lost(HTTP_CLOSED_ERROR). */
void conn_kill(struct conn *conn);

/* Facts for the session, from on_open on. */
const struct http_tls *conn_tls(const struct conn *conn); /* valid as long as it; NULL: plain */
const char *conn_protocol(const struct conn *conn);	  /* agreed on by ALPN; NULL: none was */
bool conn_is_misdirected(const struct conn *conn); /* the client left TLS out, which was due */

struct commons *conn_commons(const struct conn *conn);
struct str conn_peer(const struct conn *conn);
const struct ip *conn_ip(const struct conn *conn); /* valid as long as it */
void conn_list_insert(struct conn_list *list, struct conn *conn);
void conn_list_remove(struct conn_list *list, struct conn *conn);
struct conn *conn_list_first(const struct conn_list *list);
struct conn *conn_list_next(const struct conn *conn);

/* ---- for the session ---- */

/* Bytes that are there; valid until conn_used() or the end of on_turn. */
const uint8_t *conn_bytes(const struct conn *conn, size_t *len_out);
void conn_used(struct conn *conn, size_t bytes);

/* The client has said that it will send nothing more; bytes may still be there. */
bool conn_is_eof(const struct conn *conn);

/* The client can't be written to any more. A system call. */
bool conn_is_dead(const struct conn *conn);

/* The end of this turn gives the session a turn, and writes. */
void conn_wake(struct conn *conn);

/* What waits for the client; written at the end of the turn if the connection is woken. */
struct output *conn_output(struct conn *conn);

/* Where to append small output; wakes the connection. */
static inline struct buf *conn_out(struct conn *conn)
{
	conn_wake(conn);
	return output_buf(conn_output(conn), conn_commons(conn));
}

/* Output in pieces; borrows. Large ones are written at once, without copying what the kernel
 * takes. */
void conn_write(struct conn *conn, const struct str *pieces, size_t count);

/* Output that waits for the client. */
#define CONN_OUT_HIGH (256u << 10)
#define CONN_OUT_LOW  (64u << 10)
size_t conn_out_bytes(const struct conn *conn);

/* Another wait, or the same from now on. */
void conn_wait(struct conn *conn, enum conn_wait wait);
enum conn_wait conn_waiting(const struct conn *conn);

/* The session is done and forgotten. finish: writes what is left, says so, and lets the client read
 * it before it closes. reset: the client sees an error. */
void conn_finish(struct conn *conn);
void conn_reset(struct conn *conn);

#endif
