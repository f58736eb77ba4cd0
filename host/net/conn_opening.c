/* How a connection begins: nobody has said a byte of HTTP yet.
 *
 *	conn_introduce ─ header of the proxy ─▶ conn_greet ─ handshake ─▶ on_open
 *
 * Either step may be left out. Both are transports (introduction.c, tls_session.c), one after the
 * other, and the state is GREETING; who takes too long in it, or says what can't be understood, is
 * closed by conn.c. The listener, as the owner, says what comes next. */
#include "net/conn_private.h"
#include "net/introduction.h"

static void conn_set_transport(struct conn *conn, struct transport *transport)
{
	conn->transport = conn->output.transport = transport;
}

void conn_open(struct conn *conn)
{
	conn_move(conn, CONN_OPEN);
	conn->owner->on_open(conn->owner_user, conn);
}

void conn_drop_transport(struct conn *conn)
{
	transport_free(conn->transport);
	conn_set_transport(conn, NULL);
	conn->is_misdirected = true;
	conn_open(conn);
}

void conn_introduced(struct conn *conn)
{
	struct transport *introduction = conn->transport;

	conn_set_transport(conn, NULL);
	conn->owner->on_introduced(conn->owner_user, conn, introduction_header(introduction));
	transport_free(introduction);
}

void conn_introduce(struct conn *conn, struct transport *introduction)
{
	conn_set_transport(conn, introduction);
	conn_wait(conn, CONN_WAIT_HEAD);
	conn_update(conn);
}

void conn_greet(struct conn *conn, struct transport *transport)
{
	conn_set_transport(conn, transport);
	if (!transport) {
		conn_open(conn);
		return;
	}
	conn_wait(conn, CONN_WAIT_GREETING);
	conn_update(conn);
}

/* ---- facts ---- */

const struct http_tls *conn_tls(const struct conn *conn)
{
	return conn->transport ? conn->transport->tls : NULL;
}

const char *conn_protocol(const struct conn *conn)
{
	return conn->transport ? conn->transport->protocol : NULL;
}

bool conn_is_misdirected(const struct conn *conn)
{
	return conn->is_misdirected;
}

struct str conn_peer(const struct conn *conn)
{
	return (struct str){conn->peer, conn->peer_len};
}

const struct ip *conn_ip(const struct conn *conn)
{
	return &conn->ip;
}

void conn_set_peer(struct conn *conn, const struct ip *ip, unsigned port)
{
	conn->ip = *ip;
	ip_format_peer(ip, port, conn->peer);
	conn->peer_len = strlen(conn->peer);
}
