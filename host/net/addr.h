/* Addresses of sockets, from text and to text. Pure. */
#ifndef PLUGD_NET_ADDR_H
#define PLUGD_NET_ADDR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "net/ip.h"

struct addr {
	struct sockaddr_storage storage;
	socklen_t len;
	bool is_any; /* ":8080": IPv6 and IPv4 where there are both, else IPv4 */
};

/* "127.0.0.1:8080", "[::1]:8080", ":8080"; port 0 is any free one. Names are not resolved, because
 * that may block and may change. 0, or -EINVAL with *err (ERR_LISTEN) saying what would be
 * right. */
int addr_parse(struct str text, struct addr *out, struct err *err);

/* "192.0.2.7:52311", "[2001:db8::1]:52311", "unix"; an IPv4 address that came by an IPv6 socket is
 * written as IPv4. */
#define ADDR_TEXT IP_TEXT
void addr_format(const struct addr *addr, char out[ADDR_TEXT]);

/* Whose address it is, without the port. */
struct ip addr_ip(const struct addr *addr);

/* Only this machine reaches it: 127.0.0.0/8 or ::1. */
bool addr_is_loopback(const struct addr *addr);

/* Host order; 0 for an address without ports. */
unsigned addr_port(const struct addr *addr);

#endif
