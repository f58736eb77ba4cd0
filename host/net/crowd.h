/* How many connections each client has: an IPv4 address, or a /64 of IPv6. Pure. */
#ifndef PLUGD_NET_CROWD_H
#define PLUGD_NET_CROWD_H

#include <stdbool.h>

#include "net/ip.h"

struct crowd_member;

/* Zeroed is empty. Holds a row for each client that has a connection, so as many as there may be
 * connections. */
struct crowd {
	struct crowd_member *members;
};

enum crowd_verdict {
	CROWD_IN,
	CROWD_FULL,	  /* it has as many as it may */
	CROWD_FULL_AGAIN, /* the same, and it was told so since it had none */
};

/* One more, unless it has `limit` already; 0: no limit. Every CROWD_IN is left again. */
enum crowd_verdict crowd_enter(struct crowd *crowd, const struct ip *ip, unsigned limit);
void crowd_leave(struct crowd *crowd, const struct ip *ip);

#endif
