/* What an operator sets against more work than there are hands for: how many requests at once, and
 * which are refused first. config/ fills it. */
#ifndef PLUGD_EDGE_LOAD_OPTS_H
#define PLUGD_EDGE_LOAD_OPTS_H

#include <stdint.h>

/* Of a route; in the order in which they are served, and against that in which they are refused. */
enum priority { PRIORITY_CRITICAL, PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITY_COUNT };

/* The same as it is written in the configuration; normal is what is not said. */
enum priority_word { WORD_NORMAL, WORD_CRITICAL, WORD_HIGH, WORD_LOW };

/* Places for requests, see door.h. */
struct door_opts {
	unsigned limit; /* 0: there are no places, and nobody waits */
	unsigned queue; /* that may wait for one */
	int64_t queue_timeout_ms;
};

/* What counts as late, see shedding.h. */
struct shed_opts {
	int64_t loop_lag_ms;	/* of a turn of the loop; 0: it never is */
	int64_t queue_delay_ms; /* of the wait for a place; 0: it never is */
	int64_t interval_ms;	/* > 0 */
};

/* Of all requests. */
struct load_opts {
	struct door_opts door;
	struct shed_opts shed;
};

/* Of a route. */
struct route_load_opts {
	struct door_opts door; /* limit 0: the edge's; else what is 0 is as the edge's */
	enum priority_word priority;
};

#endif
