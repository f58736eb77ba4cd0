/* The addresses that a listener is reached at, as texts: as configured, with the ports that they
 * became. Part of the composition root. */
#ifndef PLUGD_ADDRESSES_H
#define PLUGD_ADDRESSES_H

#include "net/listener.h"
#include "observe/log.h"

/* "127.0.0.1:0" as configured, with the port that it became; 0: as configured. Returns owned. */
char *address_real(const char *configured, unsigned port);

/* Those that the listener has now, for what is configured (NULL-terminated). Logs which have come
 * and which have gone since `before` (takes; NULL: there were none). Returns owned. */
const char **addresses_renew(const char **before, char *const *configured,
			     const struct listener *listener, struct log *log);
void addresses_free(const char **addresses); /* NULL is fine */

#endif
