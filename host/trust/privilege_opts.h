/* What an operator sets for who the host runs as. config/ fills it; identity.h and privileges.h
 * obey. */
#ifndef PLUGD_TRUST_PRIVILEGE_OPTS_H
#define PLUGD_TRUST_PRIVILEGE_OPTS_H

#include <stdbool.h>

enum privilege_spawner { SPAWNER_KEEPS_ROOT, SPAWNER_DROPS_ROOT };

struct privilege_opts {
	char *user;  /* name or number; NULL: who the host was started as */
	char *group; /* name or number; NULL: the user's own */
	enum privilege_spawner spawner;
	char *umask;	   /* octal */
	bool no_new_privs; /* of the host; with a spawner that keeps root, of all below it too */
};

#endif
