/* TLS as an operator has set it up: certificates, keys, whom to trust. One of these serves all
 * connections that begin while it is in force; a reload makes another. */
#ifndef PLUGD_NET_TLS_H
#define PLUGD_NET_TLS_H

#include "base/err.h"
#include "net/tls_counts.h"
#include "net/tls_opts.h"
#include "net/tls_tickets.h"
#include "net/transport.h"
#include "observe/log.h"

struct tls;

struct tls_setup {
	const struct tls_opts *opts;  /* borrows until return */
	struct tls_tickets *tickets;  /* borrows, outlives it and its transports; NULL: none */
	const char *const *protocols; /* for ALPN, ours first; borrows, constant; NULL-terminated */
	const struct tls_counts *counts; /* borrows, outlives it and its transports; NULL: none */
	struct log *log;		 /* may be NULL */
};

/* Reads and checks all files. Returns it with one reference; NULL with *err (ERR_TLS_*). */
struct tls *tls_new(const struct tls_setup *setup, struct err *err);
void tls_release(struct tls *tls); /* NULL is fine; transports hold references of their own */

/* For one accepted connection from `peer`, a text for the log that outlives it. Returns owned. */
struct transport *tls_accept(struct tls *tls, struct str peer);

#endif
