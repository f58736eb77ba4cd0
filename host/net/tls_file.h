/* Files of TLS that are no secret. */
#ifndef PLUGD_NET_TLS_FILE_H
#define PLUGD_NET_TLS_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* All of a regular file of at most 4 MiB. 0 and *out, which the caller frees; or -errno and *err
 * with `code`. */
int tls_file_read(const char *path, int code, struct buf *out, struct err *err);

/* What OpenSSL said last, in words; forgets it. */
const char *tls_file_reason(void);

#endif
