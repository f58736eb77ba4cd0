/* Where clients connect, as an operator sees it: each address as it was configured, with the port
 * that it became. Part of the composition root. */
#ifndef PLUGD_ADDRESSES_H
#define PLUGD_ADDRESSES_H

#include "net/listener.h"
#include "observe/log.h"

/* "127.0.0.1:0" as configured, with the port that it became; 0: as configured. Returns owned. */
char *address_real(const char *configured, unsigned port);

/* Those that the listener has now, in the order of `listen`; logs which of them are new and which
 * of `before` (takes; may be NULL) are gone. Returns owned, NULL-terminated. */
const char **addresses_renew(const char **before, char *const *listen,
			     const struct listener *listener, struct log *log);

void addresses_free(const char **addresses); /* NULL is fine */

#endif
