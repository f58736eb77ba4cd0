/* Session tickets: the keys, which turn as time goes by, and how OpenSSL gets them. */
#ifndef PLUGD_NET_TLS_TICKETS_H
#define PLUGD_NET_TLS_TICKETS_H

#include "base/loop.h"
#include "net/tls_opts.h"

struct tls_tickets;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

struct tls_tickets *tls_tickets_new(struct loop *loop); /* returns owned */
void tls_tickets_free(struct tls_tickets *tickets);	/* wipes the keys; NULL is fine */

/* From now on tickets live as long as these options say; those that were given out before too. */
void tls_tickets_apply(struct tls_tickets *tickets, const struct tls_opts *opts);

/* The context seals and opens its tickets with these keys. Borrows, for as long as handshakes of it
 * go on. */
void tls_tickets_use(struct tls_tickets *tickets, struct ssl_ctx_st *ctx);

#endif
