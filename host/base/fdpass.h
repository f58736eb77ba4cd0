/* Datagrams that carry descriptors, over a SOCK_SEQPACKET socket of this machine. */
#ifndef PLUGD_BASE_FDPASS_H
#define PLUGD_BASE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 8 /* descriptors with one datagram */

/* One datagram, whole or not at all, with copies of the descriptors, which the caller keeps. 0, or
 * -errno (-EPIPE: nobody is there any more). */
int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t fd_count);

/* The next datagram, which must have `len` bytes, and at most *fd_count descriptors; how many it
 * has comes back in *fd_count. They are close-on-exec and become the caller's. 1, 0 when nobody is
 * there any more, or -errno: -EBADMSG for one that is otherwise, -EMFILE when there is no room for
 * its descriptors, -EAGAIN. */
int fdpass_recv(int sock, void *data, size_t len, int *fds, size_t *fd_count);

#endif
