/* What an operator sets about the calls to one plugin: when they are tried again, when it is left
 * alone, and how many there may be. The dispatcher obeys it; it stands here because a plugin's
 * options hold it. Zeroed: nothing of it. */
#ifndef PLUGD_PLUGIN_POLICY_OPTS_H
#define PLUGD_PLUGIN_POLICY_OPTS_H

#include <stdbool.h>
#include <stdint.h>

struct retry_opts {
	unsigned max_attempts; /* the first one too; 0 or 1: no other */
	int64_t initial_delay_ms;
	int64_t max_delay_ms;
	unsigned multiplier;
	unsigned budget_percent; /* of the calls may be tried again */
	unsigned budget_min;	 /* a second, however few calls there are */
	uint64_t buffer_bytes;	 /* largest body that is kept until it has arrived whole */
};

struct breaker_opts {
	bool enabled;
	unsigned failure_threshold;
	unsigned failure_percent; /* of the calls in the window */
	unsigned min_calls;	  /* in the window */
	int64_t window_ms;
	int64_t recovery_ms; /* how long it is left alone */
	unsigned probes;     /* that have to succeed then */
};

struct rate_opts {
	uint32_t per_second; /* 0: no limit */
	uint32_t burst;	     /* 0: one second's worth */
};

#endif
