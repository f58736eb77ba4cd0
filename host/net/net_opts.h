/* What an operator sets for listeners and connections. config/ fills it. */
#ifndef PLUGD_NET_NET_OPTS_H
#define PLUGD_NET_NET_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/tls_opts.h"

/* The files of Unix sockets; the composition root makes numbers of the words. */
struct unix_opts {
	char *mode;  /* octal */
	char *group; /* name or number; NULL: ours */
};

struct net_opts {
	char **listen; /* as net/endpoint.h takes them; NULL-terminated */
	struct unix_opts unix_sockets;
	size_t header_bytes;   /* limit of request line and headers together */
	unsigned header_count; /* limit of their number */
	size_t uri_bytes;      /* limit of the request's target */
	int64_t read_header_timeout_ms;
	int64_t read_timeout_ms;  /* longest silence while a body is awaited */
	int64_t write_timeout_ms; /* longest standstill while a response is written */
	int64_t idle_timeout_ms;  /* between two requests */
	unsigned max_connections;
	unsigned max_connections_per_address; /* 0: no limit; trusted proxies have none */
	char **trusted_proxies; /* as net/cidr.h takes them, NULL-terminated, or NULL */
	bool http2;		/* it is spoken too */
	unsigned max_streams;	/* of one connection, at once */
	struct tls_opts tls;
};

#endif
