/* The windows of one channel, in both directions: payload bytes of all calls together. Pure.
 *
 * What a plugin sends is taken off the channel at once, so its credit comes back at once: a slow
 * client holds back its own call's window and nobody else's. */
#ifndef PLUGD_PLUGIN_FLOW_H
#define PLUGD_PLUGIN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/handshake.h"

struct flow {
	struct handshake_limits host;	/* bind the plugin */
	struct handshake_limits plugin; /* bind us */
	uint32_t send_credit;		/* that the plugin still takes */
	uint32_t recv_credit;		/* that the plugin may still send */
	uint32_t recv_owed;		/* received, not given back yet */
};

void flow_init(struct flow *flow, const struct handshake_limits *host,
	       const struct handshake_limits *plugin);

/* Books what came. False: more than the window. *due_out is the credit to give back now; 0: none
 * yet. */
bool flow_receive(struct flow *flow, uint32_t bytes, uint32_t *due_out);

/* Adds credit that the plugin gave, to a window of ours. False: more than a window can hold. */
bool flow_add_credit(uint32_t *send_credit, uint32_t bytes);

#endif
