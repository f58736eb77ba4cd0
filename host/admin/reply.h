/* The one answer to one request of an operator: given now, or later, and until then perhaps news of
 * how far it is. Who runs a command can't forget it: the command's type wants a struct answered,
 * and only these functions make one. Pure. */
#ifndef PLUGD_ADMIN_REPLY_H
#define PLUGD_ADMIN_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "trust/audit.h"

struct reply;

/* Proof that the request was answered, or that somebody holds the reply and will. */
struct answered {
	const struct reply *reply;
};

/* The client left: nobody waits for the answer any more, and the reply is invalid on return. */
typedef void reply_left_fn(void *user);

/* Embedded by whoever reads requests (a peer of the admin socket; a test). */
struct reply {
	/* Exactly one of `result` (takes) and `err` (borrows) is given. Called once. */
	void (*on_answer)(struct reply *reply, json_t *result, const struct err *err);
	/* News before the answer (takes). May be NULL: nobody wants any. */
	void (*on_progress)(struct reply *reply, json_t *news);
	const struct audit_actor *caller; /* who asked; NULL: the program itself */
	enum reply_state { REPLY_OPEN, REPLY_LATER, REPLY_GIVEN } state;
	reply_left_fn *on_left; /* of REPLY_LATER */
	void *left_user;
};

void reply_init(struct reply *reply,
		void (*on_answer)(struct reply *reply, json_t *result, const struct err *err));

/* Answers. The reply is invalid afterwards. */
struct answered reply_ok(struct reply *reply, json_t *result); /* takes */
struct answered reply_fail(struct reply *reply, const struct err *err);

/* Not yet: the caller keeps the reply, valid until it answers or on_left is called. */
struct answered reply_later(struct reply *reply, reply_left_fn *on_left, void *user);

/* How far a command is whose answer comes later. Takes. */
void reply_progress(struct reply *reply, json_t *news);

/* For the owner: the client left. Tells whoever holds the reply; nothing happens if nobody does. */
void reply_abandon(struct reply *reply);

#endif
