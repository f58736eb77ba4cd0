/* What a text of `listen` says: an address, and what is spoken there. Pure. */
#ifndef PLUGD_NET_ENDPOINT_H
#define PLUGD_NET_ENDPOINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "net/addr.h"

enum endpoint_kind {
	ENDPOINT_ADDRESS,   /* "127.0.0.1:8080" */
	ENDPOINT_UNIX,	    /* "unix:/run/plugd/http.sock" */
	ENDPOINT_INHERITED, /* "fd:web", "fd:3": a socket that plugd was started with */
};

/* "https://:8443" is TLS, "http://:8080" and ":8080" are not; "proxy+https://:8443" is TLS behind a
 * header of the PROXY protocol. */
struct endpoint {
	enum endpoint_kind kind;
	bool is_tls;
	bool is_proxied;
	struct str where; /* the text without its scheme: two that are equal are the same address */
	struct addr addr; /* of ENDPOINT_ADDRESS */
	struct str name;  /* else: the path, or the name or number of what is inherited */
};

/* NULL, or what is wrong with the text, as the end of a sentence about it. Borrows the text for
 * `where` and `name`. */
const char *endpoint_read(struct str text, struct endpoint *out);

/* The same as an error: 0, or -EINVAL with *err (ERR_LISTEN). */
int endpoint_parse(struct str text, struct endpoint *out, struct err *err);

#endif
