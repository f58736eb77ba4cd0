/* What an operator sets for trust: where the pins are, and what happens to an executable without
 * one. config/ fills it. */
#ifndef PLUGD_TRUST_TRUST_OPTS_H
#define PLUGD_TRUST_TRUST_OPTS_H

enum trust_policy {
	TRUST_STRICT, /* only what is listed, enabled and unchanged may run */
};

struct trust_opts {
	char *whitelist_file; /* absolute; NULL only when no plugin is enabled */
	enum trust_policy policy;
};

#endif
