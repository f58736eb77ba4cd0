/* How many calls a plugin can run at once, learned from how long they take: when calls get slower
 * than they usually are, they stand in a queue inside the plugin, and fewer at once would be as
 * fast. A gradient on latency, after Gradient2Limit of Netflix' concurrency-limits (2018), with the
 * headroom made a share of the limit, so that it can come down to a single call.
 *
 * Pure: times are arguments. */
#ifndef PLUGD_DISPATCH_ADAPTIVE_H
#define PLUGD_DISPATCH_ADAPTIVE_H

#include <stdint.h>

struct adaptive {
	double limit;
	double usual_us; /* what a call usually takes; 0: nothing is known */
	/* The window that is being filled. */
	int64_t window_end_ms;
	double sum_us;
	unsigned count;
	unsigned most_running;
};

/* Begins with `most`. */
void adaptive_init(struct adaptive *adaptive, unsigned most);

/* A call has ended that took so long, when so many ran, itself included. Returns the limit from now
 * on: 1 to `most`. */
unsigned adaptive_learn(struct adaptive *adaptive, unsigned most, unsigned running, int64_t took_us,
			int64_t now_ms);

#endif
