/* One client of the admin socket: reads its lines, has each answered in turn, writes the replies.
 * Used by control.c alone. */
#ifndef PLUGD_ADMIN_PEER_H
#define PLUGD_ADMIN_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "admin/line.h"
#include "admin/reply.h"
#include "base/buf.h"
#include "base/loop.h"
#include "trust/audit.h"

/* A client that takes nothing of a reply for so long is dropped. */
#define PEER_WRITE_TIMEOUT_MS 30000

struct peer;

struct peer_ops {
	/* A request came. The answer is given now or later; the proof says so. */
	struct answered (*on_request)(void *user, struct peer *peer,
				      const struct line_request *request, struct reply *reply);

	/* The client left, or takes nothing any more: the callee calls peer_close(). */
	void (*on_gone)(void *user, struct peer *peer);
};

struct peer {
	TAILQ_ENTRY(peer) link; /* the owner's: oldest activity first */
	struct loop *loop;
	const struct peer_ops *ops;
	void *user;
	int fd;
	struct loop_io io;
	struct loop_timer timer; /* of a reply that isn't taken */
	struct buf in;
	struct buf out;
	size_t scanned;		   /* bytes at the front of `in` that hold no newline */
	bool is_skipping;	   /* the rest of a line that was too long */
	bool input_ended;	   /* the client has said all; it may still wait for replies */
	bool is_waiting;	   /* `reply` is out */
	struct audit_actor caller; /* as the kernel said it; zeroed: nobody asked it */
	struct reply reply;	   /* of the one request that is being answered */
};

TAILQ_HEAD(peer_list, peer);

/* Takes fd (connected, non-blocking). Returns owned: peer_close() ends it. */
struct peer *peer_new(struct loop *loop, int fd, const struct peer_ops *ops, void *user);

/* Nothing is being answered or written. */
bool peer_is_idle(const struct peer *peer);

/* Sends a last error, as far as the kernel takes it now. */
void peer_refuse(struct peer *peer, const struct err *err);

/* Ends it; a command that still works for it is told. Its memory goes at the end of the turn. */
void peer_close(struct peer *peer);

#endif
