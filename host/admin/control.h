/* The operator's door: a Unix socket of the admin's own, for whom the host runs as and root, one
 * JSON request and reply a line (admin/line.h). It knows no command; commands.c does. */
#ifndef PLUGD_ADMIN_CONTROL_H
#define PLUGD_ADMIN_CONTROL_H

#include <jansson.h>

#include "admin/reply.h"
#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "trust/audit.h"

/* Clients at once. One more takes the place of the one that was silent longest, and is refused when
 * all are busy. */
#define CONTROL_MAX_PEERS 16

struct control_opts {
	struct loop *loop;
	struct log *log;
	const char *path; /* borrows until return */

	/* Runs a command: `command` and `args` (an object) are borrowed until return; the answer is
	 * given through `reply`, now or later. */
	struct answered (*on_request)(void *user, const char *command, json_t *args,
				      struct reply *reply);
	/* Another user was turned away. May be NULL. */
	void (*on_stranger)(void *user, const struct audit_actor *actor);
	void *user;
};

struct control;

/* Opens the socket and serves it. 0 and *out (returns owned), or -errno and *err with
 * ERR_ADMIN_SOCKET. */
int control_start(const struct control_opts *opts, struct control **out, struct err *err);

/* Ends all clients (commands that still work for one are told), removes the socket, frees. NULL is
 * fine. */
void control_stop(struct control *control);

unsigned control_peers(const struct control *control);

#endif
