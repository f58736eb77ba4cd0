/* Where the value of a secret comes from: a file, a variable of the host's own environment, or a
 * credential that systemd gives it. */
#ifndef PLUGD_TRUST_SECRET_SOURCE_H
#define PLUGD_TRUST_SECRET_SOURCE_H

#include "base/err.h"
#include "base/secret.h"

#define SECRET_MAX_BYTES (64u << 10)

/* Reads "file:/run/secrets/db", "env:DB_PASSWORD" or "credential:db", every byte of it. 0 and *out,
 * which the caller frees; or -errno and *err, which names the source and never what is in it. A
 * file must be a regular one of root or of this process's user, and neither writable for its group
 * nor open to others in any way. */
int secret_source_read(const char *source, struct secret *out, struct err *err);

#endif
