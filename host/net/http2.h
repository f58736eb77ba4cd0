/* HTTP/2 on a connection (RFC 9113): many streams at once. The frames, HPACK and flow control are
 * nghttp2's; whose turn it is, what is bounded and what the room above sees is ours. */
#ifndef PLUGD_NET_HTTP2_H
#define PLUGD_NET_HTTP2_H

#include "net/conn.h"

/* What a client begins with (RFC 9113, 3.4). */
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* Takes over the connection and starts it; frees itself when the connection ends. */
void http2_start(struct conn *conn);

#endif
