/* A listening socket of a listener, whatever its address is: a port, a file, or one that plugd was
 * started with. */
#ifndef PLUGD_NET_ENTRANCE_H
#define PLUGD_NET_ENTRANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "net/endpoint.h"
#include "net/inherited.h"
#include "net/socket_file.h"

struct listener;

/* What is spoken there. */
struct entrance_manner {
	bool is_tls;
	bool is_proxied; /* proxies first say for whom they connect */
};

/* A watcher must stay where it is, so each entrance has memory of its own. */
struct entrance {
	struct listener *listener;
	struct log *log;
	char *where; /* the address as it was written, without what is spoken there */
	struct entrance_manner manner;
	struct entrance_manner next_manner; /* by the options that are being prepared */
	bool is_kept;			    /* the same */
	int fd;
	struct socket_file file; /* of a Unix socket: what removes it; fd is the same */
	struct loop_io io;
	unsigned port; /* 0: it has none of its own */
};

/* What the entrances of a listener share. */
struct entrance_setup {
	struct loop *loop;
	struct listener *listener;
	loop_io_fn *on_ready; /* its user is the entrance; an entrance is born not wanting it */
	const struct socket_file_opts *files; /* borrows until return */
	const struct inherited *inherited;    /* the same; NULL: nothing is */
	struct log *log;		      /* may be NULL */
};

/* Returns owned; NULL with *err. */
struct entrance *entrance_open(const struct entrance_setup *setup, const struct endpoint *endpoint,
			       struct err *err);
void entrance_free(struct entrance *entrance); /* nobody can come by it any more */

/* In the order of the options. Zeroed is empty. */
struct entrances {
	struct entrance **items;
	size_t count;
};

struct entrance *entrances_find(const struct entrances *entrances,
				struct str where);  /* NULL: there is none */
void entrances_forget(struct entrances *entrances); /* not the entrances themselves */

#endif
