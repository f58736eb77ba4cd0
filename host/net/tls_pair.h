/* A certificate, what it depends on, and its key: read from files and checked. */
#ifndef PLUGD_NET_TLS_PAIR_H
#define PLUGD_NET_TLS_PAIR_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/tls_names.h"
#include "net/tls_opts.h"
#include "observe/log.h"

struct tls_pair {
	X509 *certificate;
	STACK_OF(X509) * chain; /* as the file has it, without the first */
	EVP_PKEY *key;
};

/* 0 and *out, which the caller frees; or -errno and *err (ERR_TLS_CERTIFICATE, ERR_TLS_KEY). One
 * that is not valid today is a warning in the log. */
int tls_pair_load(const struct tls_certificate_opts *opts, struct log *log, struct tls_pair *out,
		  struct err *err);
void tls_pair_deinit(struct tls_pair *pair); /* zeroed is fine */

/* Adds the names that the options give it, else its own, to lead to `index`. */
void tls_pair_add_names(const struct tls_pair *pair, const struct tls_certificate_opts *opts,
			size_t index, struct tls_names *names);

#endif
