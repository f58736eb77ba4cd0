/* The header by which a proxy says for whom it connects: the PROXY protocol, versions 1 (a line of
 * text) and 2 (binary). Pure. */
#ifndef PLUGD_NET_PROXY_HEADER_H
#define PLUGD_NET_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

#define PROXY_HEADER_MAX 4096 /* bytes, of version 2 with all that it carries */

struct proxy_header {
	size_t bytes;	  /* that it has; what follows is the client's */
	bool is_own;	  /* the proxy connects for itself: to see whether we live */
	struct ip client; /* else: IP_UNKNOWN where the proxy can't tell, or it has no address */
	unsigned port;
	const char *wrong; /* of PROXY_HEADER_BAD: the end of a sentence about the connection */
};

enum proxy_header_verdict {
	PROXY_HEADER_MORE, /* all of it belongs to the header, and more */
	PROXY_HEADER_DONE,
	PROXY_HEADER_BAD,
};

/* Reads it from the first bytes of a connection; `len` may be more than it has. Borrows. */
enum proxy_header_verdict proxy_header_read(const uint8_t *data, size_t len,
					    struct proxy_header *out);

#endif
