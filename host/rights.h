/* What the host may do: who it is to become, and that it does, in its order. Part of the
 * composition root.
 *
 *	root ── umask, spawner, addresses bound ──▶ rights_give_up() ──▶ every other file, plugins
 */
#ifndef PLUGD_RIGHTS_H
#define PLUGD_RIGHTS_H

#include "base/err.h"
#include "net/net_opts.h"
#include "net/socket_file.h"
#include "observe/log.h"
#include "plugin/spawner_main.h"
#include "trust/privilege_opts.h"

struct rights {
	struct spawner_duty duty; /* who the host becomes, and what of its spawner */
	bool has_dropped;
};

/* Finds out who, and sets the umask. 0, or -errno with *err. */
int rights_plan(struct rights *rights, const struct privilege_opts *opts, struct err *err);

/* Whose the files of Unix sockets in `listen` are, and who may connect there. 0, or -errno with
 * *err. */
int rights_of_sockets(const struct rights *rights, const struct unix_opts *opts,
		      struct socket_file_opts *out, struct err *err);

/* Becomes it, tells the log what is kept, and makes sure that `config_file` can still be read,
 * which else the first reload would find out. 0, or -errno with *err; then the host has to end. */
int rights_give_up(struct rights *rights, const char *config_file, struct log *log,
		   struct err *err);

/* Whether a process of ours can gain by executing something; what the kernel says, not what is
 * set. */
bool rights_are_final(void);

/* "root", or "user": what plugd-spawner has kept. */
const char *rights_spawner(const struct rights *rights);

#endif
