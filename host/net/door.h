/* A listening socket of a listener, whatever its address is: a port, a file, or one that plugd was
 * started with. */
#ifndef PLUGD_NET_DOOR_H
#define PLUGD_NET_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "net/endpoint.h"
#include "net/inherited.h"
#include "net/socket_file.h"

struct listener;

/* What is spoken there. */
struct door_manner {
	bool is_tls;
	bool is_proxied; /* proxies first say for whom they connect */
};

/* A watcher must stay where it is, so each door has memory of its own. */
struct door {
	struct listener *listener;
	struct log *log;
	char *where; /* the address as it was written, without what is spoken there */
	struct door_manner manner;
	struct door_manner next_manner; /* by the options that are being prepared */
	bool is_kept;			/* the same */
	int fd;
	struct socket_file file; /* of a Unix socket: what removes it; fd is the same */
	struct loop_io io;
	unsigned port; /* 0: it has none of its own */
};

/* What the doors of a listener share. */
struct door_setup {
	struct loop *loop;
	struct listener *listener;
	loop_io_fn *on_ready; /* its user is the door; a door is born not wanting it */
	const struct socket_file_opts *files; /* borrows until return */
	const struct inherited *inherited;    /* the same; NULL: nothing is */
	struct log *log;		      /* may be NULL */
};

/* Returns owned; NULL with *err. */
struct door *door_open(const struct door_setup *setup, const struct endpoint *endpoint,
		       struct err *err);
void door_free(struct door *door); /* nobody can come by it any more */

/* In the order of the options. Zeroed is empty. */
struct doors {
	struct door **items;
	size_t count;
};

struct door *doors_find(const struct doors *doors, struct str where); /* NULL: there is none */
void doors_forget(struct doors *doors);				      /* not the doors themselves */

#endif
