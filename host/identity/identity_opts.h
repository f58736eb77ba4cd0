/* What an operator sets about who clients are: where keys and users stand, what certificates mean,
 * and what is asked of whom. config/ fills it. */
#ifndef PLUGD_IDENTITY_IDENTITY_OPTS_H
#define PLUGD_IDENTITY_IDENTITY_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/jwt_opts.h"

/* What is asked of a client. Lists are NULL-terminated; NULL or empty: nothing is asked. */
struct auth_opts {
	char **methods;	  /* names of identity/method.h, or "none" alone; NULL: unset */
	char **any_role;  /* one of these is enough */
	char **all_roles; /* each of these is needed */
	char **any_scope;
	char **all_scopes;
	char **claims; /* "name=value", each of them needed */
	bool optional; /* who shows nothing is let in as nobody */
};

/* What is asked of who calls a method by name. */
struct rpc_auth_opts {
	char *method; /* "service/method", or "service/" and a star for all others of the service */
	struct auth_opts auth;
};

/* Whom a certificate means. All that are set must match. */
struct certificate_map_opts {
	char *subject;	   /* as RFC 2253 writes it; ",*" at the end: whatever follows */
	char *name;	   /* one of its alternative names; "/" and a star likewise */
	char *fingerprint; /* SHA-256 */
	char *as;	   /* the principal's subject; NULL: the certificate's */
	char **roles;
	char **scopes;
	char *tenant; /* NULL: none */
};

struct lockout_opts {
	unsigned failures; /* in the window; 0: nobody is locked out */
	int64_t window_ms;
	int64_t first_ms;   /* how long the first time; doubled each time */
	int64_t longest_ms; /* at most */
};

struct identity_opts {
	char *api_keys; /* file; NULL: there are none */
	char *users;	/* file; NULL: there are none */
	char *api_key_header;
	char *realm;
	bool pass_credentials; /* plugins see Authorization and the header of API keys */
	struct certificate_map_opts *certificates;
	size_t certificate_count;
	struct rpc_auth_opts *rpc;
	size_t rpc_count;
	struct lockout_opts lockout;
	struct jwt_opts jwt;
	unsigned logins_per_second; /* passwords that are hashed */
	int64_t login_memory_ms; /* how long a password that was right need not be hashed again */
};

#endif
