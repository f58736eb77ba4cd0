/* What a text of `listen` says: an address, and what is spoken there. Pure. */
#ifndef PLUGD_NET_ENDPOINT_H
#define PLUGD_NET_ENDPOINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "net/addr.h"

/* "https://:8443" is TLS, "http://:8080" and ":8080" are not. */
struct endpoint {
	bool is_tls;
	struct str where; /* the text without its scheme: two that are equal are the same address */
	struct addr addr;
};

/* 0, or -EINVAL with *err (ERR_LISTEN) saying what would be right. Borrows the text for `where`. */
int endpoint_parse(struct str text, struct endpoint *out, struct err *err);

#endif
