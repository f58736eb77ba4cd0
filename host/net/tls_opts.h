/* What an operator sets for TLS. config/ fills it. */
#ifndef PLUGD_NET_TLS_OPTS_H
#define PLUGD_NET_TLS_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A certificate with what belongs to it; paths of files in PEM, of OCSP in DER. */
struct tls_certificate_opts {
	char *certificate; /* and the certificates that it depends on */
	char *key;
	char **names; /* NULL-terminated; NULL: those in the certificate */
	char *ocsp;   /* NULL: nothing is stapled */
};

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };
enum tls_unknown { TLS_UNKNOWN_DEFAULT, TLS_UNKNOWN_REFUSE };
enum tls_client_mode { TLS_CLIENT_NONE, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

struct tls_opts {
	struct tls_certificate_opts *certificates; /* the first one is the default */
	size_t certificate_count;
	enum tls_version min_version;
	enum tls_unknown unknown_name;
	bool session_tickets;
	int64_t ticket_lifetime_ms;
	int64_t handshake_timeout_ms;
	enum tls_client_mode client_mode;
	char *client_ca;  /* NULL: none */
	char *client_crl; /* NULL: none */
};

#endif
