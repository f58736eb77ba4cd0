/* An answer of a certificate's CA to whether it was revoked, which is handed to clients that
 * ask. */
#ifndef PLUGD_NET_TLS_OCSP_H
#define PLUGD_NET_TLS_OCSP_H

#include "base/buf.h"
#include "net/tls_pair.h"

/* Zeroed is none. */
struct tls_ocsp {
	struct buf der;
	int64_t until_s; /* of the wall clock: not to be handed out from then on */
};

/* Reads and checks it: it must be about this certificate and signed by its issuer, whose
 * certificate must be in the pair's chain. 0 and *out, which the caller frees; or -errno and *err
 * (ERR_TLS_OCSP). One that isn't valid today is a warning in the log, and *out is none. */
int tls_ocsp_load(const char *path, const struct tls_pair *pair, struct log *log,
		  struct tls_ocsp *out, struct err *err);

/* Whether there is one to hand out at that time of the wall clock. */
bool tls_ocsp_is_good(const struct tls_ocsp *ocsp, int64_t now_s);
void tls_ocsp_deinit(struct tls_ocsp *ocsp);

#endif
