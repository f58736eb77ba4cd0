/* Sockets that listen: one for an address. Each is non-blocking and close-on-exec. */
#ifndef PLUGD_NET_LISTENING_H
#define PLUGD_NET_LISTENING_H

#include "net/addr.h"

#define LISTENING_BACKLOG 1024 /* clients that wait to be accepted */

/* 0 and *fd_out (owned by the caller), or -errno. ":8080" is every address, of IPv6 and of IPv4. */
int listening_open(const struct addr *addr, int *fd_out);

/* The port that it became; 0: it can't be told. */
unsigned listening_port(int fd);

#endif
