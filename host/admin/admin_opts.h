/* What an operator sets for the admin socket. config/ fills it; plugctl uses the same default. */
#ifndef PLUGD_ADMIN_ADMIN_OPTS_H
#define PLUGD_ADMIN_ADMIN_OPTS_H

#define ADMIN_DEFAULT_SOCKET "/run/plugd/admin.sock"

struct admin_opts {
	char *socket; /* path of the Unix socket; at most 107 bytes */
};

#endif
