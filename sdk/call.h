/* One call that the host makes to this plugin, and the table of those that live. The drawing:
 *
 *	REQUEST ──▶ collecting ──▶ handler ──┬─▶ answered ──▶ gone
 *	              (more, DATA)           ├─▶ later ────── plug_reply() ──▶ answered
 *	                                     └─▶ stream ───── the end ──▶ on_close ──▶ gone
 *
 * A call is gone when four things are true: the author is through with it (returned), his answer is
 * here (arrived: a cancel may end the call while another thread is about to answer it), its end was
 * staged (lane.ended), and no other thread's post is on the way. If the caller has not ended by
 * then, an empty call stays in the table until he does, so that his last frames are known and
 * dropped. */
#ifndef PLUG_CALL_H
#define PLUG_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/wire.h"
#include "proto/wire_http.h"
#include "sdk/credit.h"
#include "sdk/grow.h"
#include "sdk/inbox.h"
#include "sdk/input.h"
#include "sdk/lane.h"
#include "sdk/plug.h"

struct parsed_value;

enum method_kind {
	METHOD_UNARY,  /* the handler gets the whole request */
	METHOD_STREAM, /* the client streams: the handler runs at once */
	METHOD_HTTP,   /* the generated service of the routes */
};

/* One row for each method number, from 1. */
struct method_entry {
	const struct plug_method *method; /* NULL: METHOD_HTTP */
	enum method_kind kind;
	/* one of its calls outlived its handler: the next ones get a copy of their request */
	bool keeps;
};

/* A message that waits for on_message. */
struct incoming {
	struct incoming *next;
	size_t len;
	uint32_t debt; /* credit to be given back when it was dealt with */
	uint8_t data[];
};

/* What a stream's author has to be told; under plug->lock unless a line says otherwise. */
struct call_events {
	TAILQ_ENTRY(plug_call) link;	   /* in the run queue */
	const struct plug_stream_ops *ops; /* NULL: not a stream (yet) */
	void *state;
	struct incoming *first;
	struct incoming **last;
	uint32_t partial_debt; /* credit for pieces of a message that is not complete */
	uint32_t cancel;       /* not 0: on_cancel is due, with this code */
	bool handled;	       /* the handler was called; whoever runs the call */
	bool input_ended;      /* on_end is due after the messages */
	bool end_told;
	bool room;   /* on_writable is due */
	bool over;   /* on_close is due */
	bool closed; /* on_close was told */
	bool paused;
	bool queued;  /* in the run queue */
	bool running; /* somebody calls into the author's code */
};

/* Memory for accessors: strings that are terminated on request. */
struct scratch {
	struct scratch *next;
	size_t used;
	size_t cap;
	uint8_t data[];
};

/* Of METHOD_HTTP only. */
struct call_http {
	struct wire_http_request request;
	const struct plug_http_route *route;
	struct grow body;    /* of a route that wants it whole, when it came in pieces */
	uint8_t *head;	     /* the first message, when it came in pieces; owned */
	struct grow headers; /* of the answer, encoded */
	bool known;	     /* the request's head is there */
	bool head_said;	     /* the answer's head was sent */
	bool bad_header;     /* plug_http_set() refused one */
	bool typed;	     /* a Content-Type was set */
	unsigned status;     /* of the head to be said */
};

struct plug_call {
	struct plug *plug;
	struct plug_call *chain; /* in the table, or in the free list */
	struct lane lane;
	struct method_entry *entry;
	bool *keeps;		 /* of the method or the route; see method_entry */
	int64_t deadline_ms;	 /* monotonic; 0: none */
	uint32_t config_version; /* in force when it began: see config.h */

	/* The request. */
	struct wire_bytes request; /* the whole message, once it is there */
	struct block *block;	   /* what head and request point into, unless kept */
	uint8_t *kept;		   /* a copy of that, owned */
	struct grow partial;	   /* the message that is being put together */
	struct credit credit;
	bool in_table;
	bool in_message; /* the message goes on in the next frame */
	bool caller_ended;
	bool busy;     /* a frame of it is being dealt with: don't free */
	bool started;  /* the handler was or will be called */
	bool returned; /* the author is through with it */
	bool arrived;  /* the answer came home: the thread that gave it is through with the call */
	bool finished; /* returned, ended, emptied: waits only for the caller */

	/* The answer. */
	atomic_bool answered;
	atomic_uint cancelled; /* code; 0: not */
	atomic_uint posts;     /* on their way from other threads */
	bool later;	       /* plug_later() */

	struct call_events events;
	struct post returned_post; /* from a worker */
	struct post spent_post;	   /* from a worker: spent_elsewhere */
	struct post abort_post;	   /* from anybody: end with abort_code */
	enum plug_code abort_code;
	atomic_uint spent_elsewhere;
	atomic_bool spent_posted;

	/* What accessors made. */
	struct scratch *scratch;
	bool out_of_memory;
	void *message; /* decoded by nanopb */
	struct parsed_value *value;
	struct call_http http;

	/* The last field: the decoder sets all of it, so call_new() doesn't clear it. */
	struct wire_request head;
};

#define CALL_BUCKETS 256

struct call_table {
	struct plug_call *buckets[CALL_BUCKETS];
	struct plug_call *idle; /* to be used again */
	unsigned idle_count;
	unsigned count;		 /* in the table */
	unsigned live;		 /* not finished */
	atomic_size_t collected; /* bytes of all messages that are or were put together */
};

void call_table_deinit(struct call_table *table);

/* Whether the handler has made it a stream. From any thread. */
static inline bool call_is_stream(const struct plug_call *call)
{
	return __atomic_load_n(&call->events.ops, __ATOMIC_SEQ_CST) != NULL;
}

/* The call of that id, or NULL. */
struct plug_call *call_find(const struct call_table *table, uint32_t id);

/* A zeroed call, but for `head`, counted as live; NULL without memory. */
struct plug_call *call_new(struct plug *plug);

/* From now on it is found by its id. */
void call_enter(struct plug_call *call);

/* Frees what can be freed: the call itself, or all but its entry in the table. False when that
 * happened: then the call must not be touched any more. */
bool call_settle(struct plug_call *call);

/* Memory that lives as long as the call; NULL without memory (and the answer will say so). */
void *call_scratch(struct plug_call *call, size_t bytes);

/* A terminated copy; "" without memory. */
const char *call_string(struct plug_call *call, struct wire_bytes bytes);

/* The request outlives the frame it came in: copies it, or holds on to its block. */
void call_keep_request(struct plug_call *call, bool copy);

/* Starts the author's part, where it is meant to run. Only at home. */
void call_start(struct plug_call *call);

/* The author's part, in the thread that is meant for it: the handler, then events until none is
 * due. */
void call_run(struct plug_call *call);

/* Takes collected bytes away from the call: returns owned. */
void *call_steal(struct plug_call *call, struct grow *collected);

/* Adds a piece to collected bytes of the call, which all calls together may hold only so many of.
 * NULL, or why not: a constant sentence. */
const char *call_collect(struct plug_call *call, struct grow *collected, struct wire_bytes piece);

/* Gives the credit that found no memory before. Only at home. */
void calls_say_credit(struct plug *plug);

/* Forgets the messages that nobody will take. Only at home. */
void call_drop_input(struct plug_call *call);

/* The author is through with so many bytes: the call's window opens again. From any thread that
 * runs the call. */
void call_spend(struct plug_call *call, uint32_t bytes);

/* Answers for the library itself: `text` is constant. The handler must not have been called. */
void call_refuse(struct plug_call *call, enum plug_code code, bool not_processed, const char *text);

/* What came in can't be taken: refuses the call, or ends what the author has begun. Only at
 * home. */
void call_give_up(struct plug_call *call, enum plug_code code, const char *text);

/* Ends the answer with this code and drops what waits. The author must not have answered. From any
 * thread. */
void call_abort(struct plug_call *call, enum plug_code code);

#endif
