/* Places for requests: so many are worked on at once, so many wait for their turn, and those of a
 * higher priority are before those of a lower. The edge has a door for all, and a route that wants
 * it one of its own.
 *
 * What has a place is a request whose call has begun and whose answer has not: as long as it is on
 * our side to go on. It has none while its body comes from the client (a short one is collected
 * before the place is asked for; a long one, which goes to the plugin as it comes, gives the place
 * back until its end is there), and none from the head of its answer on: then the client's speed
 * counts, or a stream has no end. The plugin's own `concurrency` counts all of the call. */
#ifndef PLUGD_EDGE_DOOR_H
#define PLUGD_EDGE_DOOR_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/loop.h"
#include "base/str.h"
#include "dispatch/limit.h"
#include "edge/load_opts.h"
#include "edge/shedding.h"
#include "observe/metrics.h"
#include "proto/wire.h"

struct exchange;

/* One that waits; in its exchange's arena. */
struct door_wait {
	struct exchange *exchange;
	struct wire_bytes body; /* that has come; in the arena */
	bool last;		/* and that is all of it */
	bool is_late;		/* when the timer fires the request's time is over */
	int64_t since_us;
	struct loop_timer timer;
	TAILQ_ENTRY(door_wait) link;
};

TAILQ_HEAD(door_queue, door_wait);

struct door {
	struct door_opts opts;
	struct limit limit;
	struct door_queue queues[PRIORITY_COUNT];
	struct loop_flush turn;
	struct loop *loop; /* that `turn` was queued on; NULL: never */
	struct lateness delay;
	unsigned told_level;		/* of shedding, in the log */
	struct metric_histogram *waits; /* NULL: nobody waited yet, or nothing is counted */
};

void door_init(struct door *door, const struct door_opts *opts);
void door_deinit(struct door *door); /* nobody waits */

/* Other limits; who is in stays in. */
void door_apply(struct door *door, struct loop *loop, const struct door_opts *opts);

/* Where the exchange needs a place; NULL: nowhere, because there is no limit, or because no plugin
 * has a part in its route. */
struct door *door_of(struct exchange *exchange);

/* The exchange's call may begin with this much of its body (borrows). True: now. False: its turn
 * comes later (bridge_go_on()), or it was refused. */
bool door_pass(struct exchange *exchange, struct wire_bytes body, bool last);

/* Only its client can go on; and now it is our turn again. Without a place, or after its answer has
 * begun: nothing. */
void door_pause(struct exchange *exchange);
void door_return(struct exchange *exchange);

/* Its answer has begun, or it is over: it needs no place any more. Again is fine. */
void door_leave(struct exchange *exchange);

#endif
