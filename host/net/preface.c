/* The first bytes of a connection. A client that knows beforehand that HTTP/2 is spoken begins with
 * a preface that no HTTP/1.1 request can be (RFC 9113, 3.4); everything else is HTTP/1.1's, also
 * silence that ends. Owns nothing: its session is the connection. */
#include "net/preface.h"

#include <string.h>

#include "net/http1_stream.h"
#include "net/http2.h"

#define PREFACE_BYTES (sizeof(HTTP2_PREFACE) - 1)

/* Nothing can be said about nothing, nor about the beginning of a preface, as long as more may
 * come. */
static bool preface_on_turn(void *session)
{
	struct conn *conn = session;
	size_t len;
	const uint8_t *data = conn_bytes(conn, &len);
	size_t known = len < PREFACE_BYTES ? len : PREFACE_BYTES;
	bool is_over = conn_is_eof(conn) || (len == 0 && conn_commons(conn)->is_stopping);
	bool is_preface = known == 0 || memcmp(data, HTTP2_PREFACE, known) == 0;

	if (is_preface && known < PREFACE_BYTES && !is_over) {
		if (known > 0 && conn_waiting(conn) != CONN_WAIT_HEAD)
			conn_wait(conn, CONN_WAIT_HEAD);
		return false;
	}
	if (is_preface && known == PREFACE_BYTES)
		http2_start(conn);
	else
		http1_stream_start(conn);
	return true;
}

static bool preface_wants_bytes(const void *session)
{
	return true;
}

/* HTTP/1.1 has the words for it. */
static void preface_on_timeout(void *session, enum conn_wait wait)
{
	if (wait == CONN_WAIT_HEAD)
		http1_stream_start(session);
	else
		conn_finish(session);
}

static void preface_on_lost(void *session, enum http_closed how)
{
}

static const struct conn_ops conn_ops = {
	.on_turn = preface_on_turn,
	.wants_bytes = preface_wants_bytes,
	.on_timeout = preface_on_timeout,
	.on_lost = preface_on_lost,
};

void preface_start(struct conn *conn)
{
	conn_start(conn, &conn_ops, conn);
}
