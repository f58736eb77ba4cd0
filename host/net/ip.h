/* Who a client is on the network: an address without its port. IPv4 and IPv6 are kept in one form,
 * so that an IPv4 client is the same whichever kind of socket it came by. Pure. */
#ifndef PLUGD_NET_IP_H
#define PLUGD_NET_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum ip_kind {
	IP_UNKNOWN, /* nobody can tell */
	IP_UNIX,    /* it came by a Unix socket */
	IP_V4,
	IP_V6,
};

struct ip {
	enum ip_kind kind;
	uint8_t bytes[16]; /* of IP_V4: ::ffff:a.b.c.d; zeroes for those without an address */
};

/* An address alone, without brackets, port or zone: "192.0.2.7", "2001:db8::7". An IPv6 form of an
 * IPv4 address (::ffff:192.0.2.7) is IP_V4. */
bool ip_parse(struct str text, struct ip *out);

/* From an address as it is on the wire: 4 bytes, or 16. */
struct ip ip_from_bytes(const uint8_t *bytes, size_t len);

/* An address as HTTP writes it: with or without a port, IPv6 in brackets if it has one; and "unix".
 * *port_out is 0 without a port. */
bool ip_parse_node(struct str text, struct ip *out, unsigned *port_out);

/* "192.0.2.7:52311", "[2001:db8::7]:0", "unix", "unknown": as http_request.peer is. */
#define IP_TEXT 64
void ip_format_peer(const struct ip *ip, unsigned port, char out[IP_TEXT]);

/* What counts as one client: an IPv4 address, or the /64 that an IPv6 address is in, because
 * whoever has one of those has all of it. */
struct ip ip_client(const struct ip *ip);

#endif
