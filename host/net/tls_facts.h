/* What a finished handshake says, for those who answer requests. */
#ifndef PLUGD_NET_TLS_FACTS_H
#define PLUGD_NET_TLS_FACTS_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "net/message.h"

/* Fills *out but for the name, from `arena` where it must. False: it was resumed, with a
 * certificate of the client that has expired since. */
bool tls_facts_take(SSL *ssl, struct arena *arena, struct http_tls *out);

#endif
