/* What an operator sets for the admin socket and the admin pages. config/ fills it; plugctl uses
 * the same default. */
#ifndef PLUGD_ADMIN_ADMIN_OPTS_H
#define PLUGD_ADMIN_ADMIN_OPTS_H

#include <stdbool.h>

#define ADMIN_DEFAULT_SOCKET "/run/plugd/admin.sock"

struct admin_opts {
	char *socket;	  /* path of the Unix socket; at most 107 bytes */
	char *http;	  /* address of the pages for metrics and health; NULL: there are none */
	bool http_remote; /* that address may be one that others reach */
};

#endif
