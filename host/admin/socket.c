/* The admin socket. Its file keeps others out by its mode, so it never has another one than 0600.
 * Called by control.c. */
#include "admin/socket.h"

#include <sys/socket.h>

#include "observe/errors.h"

#define BACKLOG	   16
#define ONLY_OWNER 0600

int admin_socket_open(struct socket_file *file, const char *path, struct err *err)
{
	const struct socket_file_opts opts = {.mode = ONLY_OWNER,
					      .owner = SOCKET_FILE_KEEP,
					      .group = SOCKET_FILE_KEEP,
					      .backlog = BACKLOG,
					      .code = ERR_ADMIN_SOCKET};

	return socket_file_open(file, path, &opts, err);
}

bool admin_socket_caller(int fd, struct audit_actor *out)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	*out = (struct audit_actor){.uid = who.uid, .gid = who.gid, .pid = who.pid};
	return true;
}
