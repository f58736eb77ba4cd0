/* What certificates of clients are held against. */
#ifndef PLUGD_NET_TLS_TRUST_H
#define PLUGD_NET_TLS_TRUST_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/tls_opts.h"
#include "observe/log.h"

#define TLS_TRUST_DIGEST_BYTES 32u

/* Zeroed is: nobody is asked for one. */
struct tls_trust {
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* of the CAs, so that clients can choose */
};

/* 0 and *out, which the caller frees; or -errno and *err (ERR_TLS_CLIENT_CA). The digest is of all
 * that decides whom we trust: as long as it is the same, who was verified would be so again. */
int tls_trust_load(const struct tls_opts *opts, struct log *log, struct tls_trust *out,
		   uint8_t digest_out[TLS_TRUST_DIGEST_BYTES], struct err *err);
void tls_trust_deinit(struct tls_trust *trust);

#endif
