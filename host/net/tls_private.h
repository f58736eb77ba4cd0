/* What a context and its sessions know of each other. Only for tls.c and tls_session.c. */
#ifndef PLUGD_NET_TLS_PRIVATE_H
#define PLUGD_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "net/tls.h"
#include "net/tls_names.h"
#include "net/tls_ocsp.h"
#include "net/tls_trust.h"

/* A certificate in use. */
struct tls_site {
	SSL_CTX *ctx;
	struct tls_ocsp ocsp;
};

struct tls {
	unsigned references;
	struct tls_site *sites; /* the first one begins every handshake */
	size_t site_count;
	struct tls_names names; /* → index of a site */
	enum tls_unknown unknown;
	BIO_METHOD *bio;
	const char *const *protocols;
	const struct tls_counts *counts;
	struct log *log;
};

/* How OpenSSL reaches the bytes of a session. Returns owned. */
BIO_METHOD *tls_session_bio(void);

#endif
