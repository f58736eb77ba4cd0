/* Lists of networks, as operators write them: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "unix".
 * Pure. */
#ifndef PLUGD_NET_CIDR_H
#define PLUGD_NET_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "net/ip.h"

struct cidr {
	struct ip base;
	unsigned bits; /* of base.bytes that count: 0 to 128; of IP_V4 at least 96 */
};

/* NULL, or what is wrong with the text, as the end of a sentence about it. An address alone is a
 * network of one. Bits below the prefix must be zero: who writes 10.1.2.3/8 may mean either. */
const char *cidr_parse(struct str text, struct cidr *out);

/* IPv4 addresses are only in IPv4 networks (::ffff:0:0/96 is all of them), IPv6 in IPv6. */
bool cidr_has(const struct cidr *cidr, const struct ip *ip);

struct cidr_list {
	struct cidr *items;
	size_t count;
};

/* From NULL-terminated texts that cidr_parse() takes; NULL: an empty list. */
void cidr_list_init(struct cidr_list *list, char *const *texts);
void cidr_list_deinit(struct cidr_list *list); /* zeroed is fine */

/* IP_UNKNOWN is in no list. */
bool cidr_list_has(const struct cidr_list *list, const struct ip *ip);

#endif
