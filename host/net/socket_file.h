/* A listening Unix socket as a file: made with its mode from the start, never takes the place of a
 * living one, and is removed by whoever made it. */
#ifndef PLUGD_NET_SOCKET_FILE_H
#define PLUGD_NET_SOCKET_FILE_H

#include <sys/types.h>

#include "base/err.h"

#define SOCKET_FILE_KEEP ((uid_t)-1) /* of owner and group: who we are */

/* Who may connect: whoever may write to the file. */
struct socket_file_opts {
	mode_t mode;
	uid_t owner;
	gid_t group;
	int backlog;
	int code; /* of errors */
};

struct socket_file {
	int fd;	      /* listening, non-blocking, close-on-exec; -1: closed */
	char *path;   /* NULL: closed */
	dev_t device; /* of the file that we made */
	ino_t inode;
};

/* Replaces a socket that nobody listens on any more. 0, or -errno with *err: somebody listens
 * there, the path holds something else, or the kernel said no. May wait up to a second for another
 * host that starts in this directory. */
int socket_file_open(struct socket_file *file, const char *path,
		     const struct socket_file_opts *opts, struct err *err);

/* Removes the file unless another has taken its place. 0, or -errno: it was left behind. Twice is
 * fine. */
int socket_file_close(struct socket_file *file);

#endif
