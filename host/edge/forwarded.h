/* What proxies say about whom they ask for: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC
 * 7239). It is only worth something when it comes from a proxy that is trusted, and of it only what
 * trusted proxies have written. Pure. */
#ifndef PLUGD_EDGE_FORWARDED_H
#define PLUGD_EDGE_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "net/cidr.h"
#include "net/message.h"

/* Addresses that are looked at; a request with more from trusted proxies is refused. */
#define FORWARDED_MAX_HOPS 32

/* Which of the two the proxies write; the other one is anybody's. */
enum forwarded_by { FORWARDED_BY_X, FORWARDED_BY_STANDARD };

struct forwarded {
	struct ip client;  /* IP_UNKNOWN: the proxy does not tell */
	unsigned port;	   /* 0: not told */
	struct str scheme; /* "http" or "https"; empty: not told */
	struct str host;   /* empty: not told */
};

/* From a request that came from `peer`, who is in `trusted`. Addresses are walked from the right,
 * as each proxy has added the one it was asked by, to the first that is not trusted; that one is
 * the client. NULL, or what is wrong with the fields, as a sentence. */
const char *forwarded_read(enum forwarded_by by, const struct http_field *fields, size_t count,
			   const struct ip *peer, const struct cidr_list *trusted,
			   struct forwarded *out);

/* Whether the field is one that says who asks, or that programs take for one: no plugin gets to see
 * it, and neither does a middleware. In either case. */
bool forwarded_is_claim(struct str name);

#endif
