/* Names of hosts as routes are told apart by them. Pure. */
#ifndef PLUGD_EDGE_ROUTER_HOST_H
#define PLUGD_EDGE_ROUTER_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define ROUTER_HOST_BYTES 255 /* of the longest name; what is longer is nobody's */

/* The name in an authority: in lower case, without the port and without a dot at its end. Written
 * into `out` of ROUTER_HOST_BYTES; empty when there is none, or it is too long. */
struct str host_of_authority(struct str authority, char *out);

/* NULL, or what is wrong with it as an operator's host, as the end of a sentence about it. Good are
 * "example.com", "*.example.com", "192.0.2.7" and "[2001:db8::1]", in any case. */
const char *host_fault(struct str text);

/* "*.example.com": any name that ends in ".example.com". */
bool host_is_wildcard(struct str host);

/* How exactly an operator's host names `name` (from host_of_authority()): -1: not at all; the
 * larger the number the more exactly. */
int host_rank(struct str host, struct str name);

#endif
