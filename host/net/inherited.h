/* Listening sockets that plugd was started with, by systemd or by whoever speaks its protocol. */
#ifndef PLUGD_NET_INHERITED_H
#define PLUGD_NET_INHERITED_H

#include "base/err.h"
#include "base/str.h"
#include "observe/log.h"

struct inherited;

/* Takes those that the environment tells of, and all that it says about them out of it: from then
 * on no child gets either. Before any child is made. 0 and *out (owned), or -errno with *err
 * (ERR_INHERITED_SOCKET). */
int inherited_take(struct inherited **out, struct err *err);
void inherited_free(struct inherited *inherited); /* NULL is fine */

/* The one with that name, or with that number where the name is one: 0 and a descriptor of its own
 * (owned by the caller; non-blocking, close-on-exec), or -errno with *err: there is none, there are
 * several, or it is no socket that listens for connections. `inherited` NULL: there is none. */
int inherited_open(const struct inherited *inherited, struct str name, int *fd_out,
		   struct err *err);

/* Closes those for which there is no address in `listen` (NULL-terminated), and tells the log. */
void inherited_keep_only(struct inherited *inherited, char *const *listen, struct log *log);

#endif
