/* One direction of one call, outwards: messages in order, cut into chunks, within the windows. All
 * lanes take turns, so that a large message never delays a small one. */
#ifndef PLUG_LANE_H
#define PLUG_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/wire.h"
#include "sdk/grow.h"
#include "sdk/inbox.h"
#include "sdk/output.h"

struct plug_call;

/* Something to be said on a lane: a message, the end of the lane, or both. Borrows everything, but
 * takes `data` when there is a `release`. */
struct saying {
	bool message;		/* there is a message, maybe of no bytes */
	bool last;		/* the lane ends with it */
	uint32_t code;		/* not 0: the lane ends as a failure */
	struct wire_bytes text; /* for a human, with code */
	struct wire_bytes details;
	uint32_t retry_after_ms;
	bool not_processed;
	struct wire_bytes prefix; /* the message is prefix and data, one after the other */
	struct wire_bytes data;
	void (*release)(void *arg);
	void *arg;
};

/* A saying that waits. */
struct outgoing {
	struct post post; /* on its way from another thread */
	struct plug_call *call;
	struct outgoing *next;
	unsigned refs; /* the lane, and each of its pieces in the output */
	size_t sent;   /* bytes of the message */
	struct saying say;
	uint8_t storage[];
};

/* Copies what the saying borrows. NULL without memory; then nothing was taken. */
struct outgoing *outgoing_new(const struct saying *say);
void outgoing_unref(struct outgoing *outgoing);

struct lane;

struct lane_ops {
	void (*on_room)(struct lane *lane);  /* a full lane has room again */
	void (*on_ended)(struct lane *lane); /* its end was staged; the lane may be freed */
};

struct lane {
	TAILQ_ENTRY(lane) link;
	const struct lane_ops *ops;
	uint32_t id;
	bool streams;	/* messages of no bytes must be told from the end */
	bool ready;	/* in the list of those with something to say */
	bool opened;	/* REQUEST or RESPONSE was staged, the rest is DATA */
	bool ended;	/* the end was staged */
	uint32_t abort; /* not 0: end with this code, whatever is queued */
	uint32_t credit;
	uint32_t window;
	struct outgoing *first;
	struct outgoing *last;
	const struct wire_request *ask; /* head of a call of ours; NULL: this is an answer */
	struct grow metadata;		/* encoded pairs of the answer's head */
	atomic_size_t queued;		/* bytes that wait, with what each message costs */
	atomic_bool wants_room;
};

struct lanes {
	TAILQ_HEAD(, lane) ready;
	unsigned ready_count;
	struct output *output;
	uint32_t chunk;	      /* largest payload of a frame */
	uint32_t call_window; /* each lane begins with it */
	uint32_t window;      /* of the channel */
	uint32_t credit;
	bool starved; /* the last round found no memory for what it had to say */
};

void lanes_init(struct lanes *lanes, struct output *output, uint32_t chunk, uint32_t call_window,
		uint32_t window);

void lane_init(struct lane *lane, const struct lanes *lanes, uint32_t id,
	       const struct lane_ops *ops);
void lane_deinit(struct lanes *lanes, struct lane *lane); /* drops what waits */

/* Stages a saying at once. False when it has to wait (nothing was taken then): something waits
 * before it, a window or the memory is too small, or it is too large to be copied for nothing. */
bool lane_say_now(struct lanes *lanes, struct lane *lane, const struct saying *say);

/* Queues a saying that was admitted or charged; takes it. */
void lane_push(struct lanes *lanes, struct lane *lane, struct outgoing *outgoing);

/* Ends the lane with this code as soon as possible and drops what waits. */
void lane_abort(struct lanes *lanes, struct lane *lane, uint32_t code);

/* Whether a message of so many bytes may be queued; counts it when it may. From any thread. When
 * not, on_room will come. */
bool lane_admit(struct lane *lane, size_t bytes);

/* The same for a last message, which may always be queued. */
void lane_charge(struct lane *lane, size_t bytes);
void lane_uncharge(struct lane *lane, size_t bytes);

/* The host gave credit back. False: more than it ever had. */
bool lane_credit(struct lanes *lanes, struct lane *lane, uint32_t bytes);
bool lanes_credit(struct lanes *lanes, uint32_t bytes);

/* Stages what the windows allow, one chunk of each lane in turn, up to a batch. */
void lanes_pump(struct lanes *lanes);

#endif
