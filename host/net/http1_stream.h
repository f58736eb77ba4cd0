/* HTTP/1.1 on a connection: one stream after the other. */
#ifndef PLUGD_NET_HTTP1_STREAM_H
#define PLUGD_NET_HTTP1_STREAM_H

#include "net/conn.h"

/* Takes over the connection and starts it; frees itself when the connection ends. */
void http1_stream_start(struct conn *conn);

#endif
