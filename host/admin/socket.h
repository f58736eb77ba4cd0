/* The admin socket as a file: made so that it never has another mode than 0600, never takes the
 * place of a living host's, and is removed by whoever made it. */
#ifndef PLUGD_ADMIN_SOCKET_H
#define PLUGD_ADMIN_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "trust/audit.h"

struct admin_socket {
	int fd; /* listening, non-blocking; -1: closed */
	char *path;
	dev_t device; /* of the file that we made */
	ino_t inode;
};

/* Replaces the socket of a host that is gone. 0, or -errno with *err of ERR_ADMIN_SOCKET: somebody
 * listens there, the path holds something else, or the kernel said no. May wait up to a second for
 * another host that starts in this directory. */
int admin_socket_open(struct admin_socket *sock, const char *path, struct err *err);

/* Removes the file unless another has taken its place. Twice is fine. */
void admin_socket_close(struct admin_socket *sock);

/* Who is at the other end, as the kernel says. False when it doesn't. */
bool admin_socket_caller(int fd, struct audit_actor *out);

#endif
