/* What an operator sets about the calls to one plugin: when they are tried again. The dispatcher
 * obeys it; it stands here because a plugin's options hold it. Zeroed: nothing of it. */
#ifndef PLUGD_PLUGIN_POLICY_OPTS_H
#define PLUGD_PLUGIN_POLICY_OPTS_H

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

#endif
