/* Descriptors: close-on-exec at birth, one owner, -1 when closed. */
#ifndef PLUGD_BASE_FD_H
#define PLUGD_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void fd_close(int *fd); /* leaves -1; -1 is fine; errno is kept */

/* 0, or -errno. */
int fd_set_nonblock(int fd, bool nonblock);
int fd_set_cloexec(int fd, bool cloexec);
int fd_pipe(int out[2]); /* close-on-exec, blocking */

/* Blocking descriptors; go on after EINTR and short counts. 0, or -errno (-EPIPE, -ENODATA at a
 * premature end). */
int fd_write_all(int fd, const void *data, size_t len);
int fd_read_all(int fd, void *data, size_t len);

/* Appends all that is left of a file. 0, or -errno; -EFBIG: `out` has more than `max` bytes now,
 * and not all was read. */
int fd_read_to_end(int fd, size_t max, struct buf *out);

/* Number of open descriptors of this process, or -errno. For tests and for `status`. */
int fd_count(void);

#endif
