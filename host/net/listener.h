/* Accepts clients on the configured addresses and owns their connections. */
#ifndef PLUGD_NET_LISTENER_H
#define PLUGD_NET_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "net/inherited.h"
#include "net/message.h"
#include "net/net_opts.h"
#include "net/socket_file.h"
#include "observe/log.h"
#include "observe/metrics.h"

struct listener;

struct listener_opts {
	struct loop *loop;
	const struct net_opts *net;	    /* borrows until others are committed */
	const struct http_upcalls *upcalls; /* borrows for the listener's life */
	void *user;			    /* of the upcalls */
	/* After listener_stop(): no connection is left. Once; may be NULL. */
	void (*on_stopped)(void *stopped_user);
	void *stopped_user;
	struct log *log;		      /* may be NULL */
	struct metrics *metrics;	      /* borrows; NULL: nothing is counted */
	const struct socket_file_opts *files; /* borrows; NULL: Unix sockets are ours alone */
	struct inherited *inherited;	      /* borrows; NULL: there is none */
};

struct listener *listener_new(const struct listener_opts *opts); /* returns owned */

/* Whom the upcalls are for, when that was not known yet. Before listener_commit(). */
void listener_serve(struct listener *listener, void *user);

/* Opens every address, or none: 0, or -errno with *err (ERR_LISTEN). */
int listener_start(struct listener *listener, struct err *err);

/* Reads the files that these options name, as listener_prepare() would, and keeps nothing. 0, or
 * -EINVAL with *err. */
int listener_check_files(const struct net_opts *net, struct err *err);

/* Other options, in two steps, so that they can still be given up. The first opens the addresses
 * that are not open yet, all or none: 0, or -errno with *err (ERR_LISTEN). Borrows `net` from
 * then on. */
int listener_prepare(struct listener *listener, const struct net_opts *net, struct err *err);

/* After listener_prepare(). The new addresses accept. Those that are no longer there take who is
 * waiting and close; their connections live on. Limits and time-outs hold from the next request, or
 * the next wait, of every connection. */
void listener_commit(struct listener *listener);

/* Gives up what was prepared, if anything was. */
void listener_drop(struct listener *listener);

/* Graceful: takes who is waiting, accepts nobody else, and closes each connection as soon as what
 * it asked is answered; idle ones now. on_stopped follows, from the loop. Again is fine. */
void listener_stop(struct listener *listener);

/* Ends what is left at once: open streams get on_closed(HTTP_CLOSED_ERROR). NULL is fine. */
void listener_free(struct listener *listener);

unsigned listener_connections(const struct listener *listener);

/* Since listener_new(). */
struct listener_counts {
	uint64_t accepted;
	uint64_t full;	  /* times that max_connections were reached */
	uint64_t crowded; /* closed unheard: max_connections_per_address */
	uint64_t paused;  /* times that descriptors or memory had run out */
};

struct listener_counts listener_counts(const struct listener *listener);

/* The port that the n-th address got, for port 0; 0 when there is no such address, or it is none
 * with a port. */
unsigned listener_port(const struct listener *listener, size_t n);

#endif
