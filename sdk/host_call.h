/* Calls that this plugin makes to the host. */
#ifndef PLUG_HOST_CALL_H
#define PLUG_HOST_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/wire.h"

struct plug;
struct host_call;

#define HOST_CALL_BUCKETS 64

/* Zeroed is valid. */
struct host_calls {
	struct host_call *buckets[HOST_CALL_BUCKETS];
	uint32_t last_id;
	unsigned live;	      /* not ended by the host */
	unsigned max_live;    /* what the host takes; from HELLO */
	int64_t next_timeout; /* monotonic; none of them is due earlier; 0: none has a deadline */
};

/* Frames about calls with even ids. */
void host_call_response(struct plug *plug, struct wire_bytes body);
void host_call_data(struct plug *plug, const struct wire_data *data);
void host_call_cancel(struct plug *plug, const struct wire_cancel *cancel);
bool host_call_credit(struct plug *plug, const struct wire_credit *credit); /* false: too much */

/* Gives the credit that found no memory before. */
void host_calls_say_credit(struct plug *plug);

/* Fails those that are due. */
void host_calls_expire(struct plug *plug, int64_t now_ms);

/* Fails all and frees them: the plugin ends. */
void host_calls_end(struct plug *plug);

#endif
