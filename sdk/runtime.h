/* The running plugin: what plug_serve() owns while it runs. Everything here belongs to the thread
 * of plug_serve(), except what says otherwise; other threads post to the inbox. */
#ifndef PLUG_RUNTIME_H
#define PLUG_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sdk/call.h"
#include "sdk/config.h"
#include "sdk/export.h"
#include "sdk/guard.h"
#include "sdk/host_call.h"
#include "sdk/import.h"
#include "sdk/inbox.h"
#include "sdk/input.h"
#include "sdk/lane.h"
#include "sdk/log.h"
#include "sdk/output.h"
#include "sdk/plug.h"
#include "sdk/route.h"
#include "sdk/secrets.h"
#include "sdk/value.h"
#include "sdk/workers.h"

/*	        HELLO            START            DRAIN
 *	GREETING ────▶ STARTING ────▶ SERVING ────▶ DRAINING ── all answered ──▶ ENDED
 *	   │               │ IMPORT     ▲ START
 *	   │            IMPORTING ─▶ IMPORTED
 *	   │               └ STATE_END ─▶ REFUSED, which waits for the end
 *	   └───────────────┴──── refusal, violation, end of file ────────────────▶ ENDED
 */
enum life_state {
	STATE_GREETING,
	STATE_STARTING,
	STATE_IMPORTING,
	STATE_IMPORTED,
	STATE_REFUSED,
	STATE_SERVING,
	STATE_DRAINING,
	STATE_ENDED,
};

TAILQ_HEAD(call_queue, plug_call);

struct plug {
	const struct plug_plugin *plugin;
	pthread_t thread;
	enum life_state state;
	int status; /* of plug_serve(), once ENDED */
	struct guard guard;
	struct input input;
	struct output output;
	struct lanes lanes;
	struct inbox inbox;
	struct workers *workers; /* NULL: no threads */
	int64_t turn_ms;	 /* when this turn began; 0: nobody has asked yet */
	bool busy; /* the last read brought several frames: look for more before waiting */
	bool bye_said;
	bool starved; /* there was no memory for something that must be said: try again soon */

	/* Who we are, from HELLO. */
	char *name;
	char *instance;
	bool unknown_frames; /* taken: frames of a newer host are ignored */
	bool hands_over;     /* taken: the feature "state" */
	struct config config;
	struct secrets secrets;

	/* What is served. */
	struct method_entry *methods;
	size_t method_count;
	struct route_table routes;
	struct call_table calls;
	struct plug_limits limits; /* ours, without zeroes */
	uint32_t max_frame;
	struct credit channel; /* of what comes in */

	pthread_mutex_t lock;	     /* for call_events and run_queue */
	struct call_queue run_queue; /* calls with something to run; workers take from it, too */
	atomic_bool runnable;	     /* without workers: there are some; read without the lock */

	struct host_calls host_calls;
	struct plug_health health; /* what plug_health_changed() said last */

	struct export export; /* of our state */
	struct import import; /* of the state of the instance before us */
};

/* Whether the caller is the thread of plug_serve(). */
static inline bool plug_is_home(const struct plug *plug)
{
	return pthread_equal(plug->thread, pthread_self());
}

/* Ends at once: the host broke the protocol or is gone, or something of ours failed. The reason
 * goes to stderr. Before HELLO it is taken for a start by hand. Only the first reason counts. */
void plug_break(struct plug *plug, const char *format, ...) PLUG_PRINTF(2, 3);

/* Monotonic milliseconds. */
int64_t plug_now_ms(void);

/* The same, read once per turn of the loop: when what this turn brought has come. Only at home. */
int64_t plug_turn_ms(struct plug *plug);

#endif
