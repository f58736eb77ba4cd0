/* The calls that the host has open on one channel: ids, windows, and what waits for credit. Pure:
 * the instance does the talking.
 *
 * An id is live until both sides have ended. A call that the host has cancelled stays in the table,
 * without an owner, until the plugin has ended it too; so a late answer finds its own call and
 * never somebody else's, and an answer that finds no call is a violation. */
#ifndef PLUGD_PLUGIN_CALL_H
#define PLUGD_PLUGIN_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/str.h"
#include "proto/wire.h"

/* How a call ended other than by its answer. */
struct call_break {
	enum call_break_kind {
		CALL_ABORTED, /* the plugin took its answer back, with code and reason */
		CALL_GONE,    /* the instance died or was failed */
	} kind;
	uint32_t code; /* canonical, for CALL_ABORTED */
	struct str reason;
	bool delivered; /* false: the plugin has not got the request, that is certain */
	bool first;	/* of the calls that one end of an instance breaks */
};

/* What the owner of a call hears. on_response comes once; when its `end` is set, or on_data's, or
 * with on_broken, it was the last word and the call is gone. on_response and on_data return true
 * when the payload is consumed; false: instance_call_consumed() says so later, and the plugin's
 * window stays that much smaller. */
struct call_ops {
	bool (*on_response)(void *user, const struct wire_response *response);
	bool (*on_data)(void *user, const struct wire_data *data);
	void (*on_writable)(void *user); /* nothing waits for credit any more */
	void (*on_broken)(void *user, const struct call_break *why);
};

struct call {
	uint32_t id;
	uint32_t slot;
	uint32_t send_credit; /* payload bytes that the plugin still takes */
	uint32_t recv_credit; /* payload bytes that the plugin may still send */
	uint32_t recv_owed;   /* consumed, but not given back as credit yet */
	int64_t started_us;   /* loop_now_us() */
	uint64_t request_end; /* where the frame REQUEST ends, a channel_position() */
	bool live;
	bool local_ended; /* we have sent `end` or CANCEL, or will with what is pending */
	bool responded;	  /* RESPONSE has come */
	bool waiting;	  /* in the table's list of those with pending bytes */
	bool cancelled;	  /* in the table's list of those; nobody waits for it */
	int64_t cancelled_ms;
	uint32_t method;	    /* its number, for messages */
	const struct call_ops *ops; /* NULL: nobody waits for the answer */
	void *user;
	struct buf pending;	     /* records {struct call_piece, bytes} */
	TAILQ_ENTRY(call) list_link; /* a call is in one of the lists at most */
	struct call *next_free;
};

TAILQ_HEAD(call_list, call);

struct call_table {
	struct call **slots;
	uint32_t cap;
	uint32_t max; /* the plugin's max_calls */
	uint32_t live;
	struct call *free_list;
	struct call_list waiting;   /* with pending bytes, in the order of their turns */
	struct call_list cancelled; /* the oldest first */
};

void call_table_init(struct call_table *table, uint32_t max_calls);
void call_table_deinit(struct call_table *table); /* live calls are forgotten */

/* A new live call; valid until call_table_remove(). NULL: max_calls are live. */
struct call *call_table_add(struct call_table *table);
void call_table_remove(struct call_table *table, struct call *call);

/* NULL: no call with this id is live. */
struct call *call_table_find(const struct call_table *table, uint32_t id);

/* Some live call; NULL: there is none. */
struct call *call_table_any(const struct call_table *table);

/* Puts what has no credit into the call's queue; `more` and `end` as on the wire. */
void call_defer(struct call_table *table, struct call *call, struct wire_bytes payload, bool more,
		bool end);
bool call_is_waiting(const struct call *call);

/* Takes the next piece that credit and chunk size allow off the queue: at most `credit` bytes.
 * False: nothing may go now. `out` borrows from the queue until the next call on it. */
bool call_next_piece(struct call *call, uint32_t credit, uint32_t chunk_bytes,
		     struct wire_data *out);
void call_piece_sent(struct call_table *table, struct call *call, const struct wire_data *piece);

/* Nobody waits for its answer any more: what is pending is dropped, and the time is noted until the
 * plugin has ended it. */
void call_cancel(struct call_table *table, struct call *call, int64_t now_ms);

/* The one that was cancelled first, of those that the plugin has not ended. NULL: there is none. */
const struct call *call_table_oldest_cancelled(const struct call_table *table);

/* Books `bytes` as consumed. Returns the credit to give back now: in batches of half a window. */
uint32_t call_credit_due(uint32_t *owed, uint32_t bytes, uint32_t window);

#endif
