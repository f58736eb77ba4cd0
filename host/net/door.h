/* A listening socket of a listener, whatever its address is: a port, a file, or one that plugd was
 * started with. */
#ifndef PLUGD_NET_DOOR_H
#define PLUGD_NET_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "net/endpoint.h"

struct listener;

/* A watcher must stay where it is, so each door has memory of its own. */
struct door {
	struct listener *listener;
	char *where; /* the address as it was written, without what is spoken there */
	bool is_tls;
	bool is_next_tls; /* by the options that are being prepared */
	bool is_kept;	  /* by the options that are being prepared */
	int fd;
	struct loop_io io;
	unsigned port; /* 0: it has none */
};

/* What the doors of a listener share. */
struct door_setup {
	struct loop *loop;
	struct listener *listener;
	loop_io_fn *on_ready; /* its user is the door; a door is born not wanting it */
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
