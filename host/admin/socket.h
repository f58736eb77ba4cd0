/* The admin socket: a file that is its owner's alone, and who is at the other end of it. */
#ifndef PLUGD_ADMIN_SOCKET_H
#define PLUGD_ADMIN_SOCKET_H

#include <stdbool.h>

#include "net/socket_file.h"
#include "trust/audit.h"

/* As socket_file_open(), with *err of ERR_ADMIN_SOCKET. socket_file_close() ends it. */
int admin_socket_open(struct socket_file *file, const char *path, struct err *err);

/* Who is at the other end, as the kernel says. False when it doesn't. */
bool admin_socket_caller(int fd, struct audit_actor *out);

#endif
