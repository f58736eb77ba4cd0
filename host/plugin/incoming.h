/* The calls that a plugin makes to the host on one channel: ids, windows, and that each is answered
 * once. A request to the host is one frame; a longer one is refused, because whoever answers here
 * keeps nothing. */
#ifndef PLUGD_PLUGIN_INCOMING_H
#define PLUGD_PLUGIN_INCOMING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "plugin/channel.h"
#include "plugin/flow.h"
#include "plugin/frame.h"
#include "proto/wire.h"

/* Calls of one plugin at once. HELLO tells it. */
#define INCOMING_MAX_CALLS 64

struct incoming_call {
	uint32_t id; /* 0: a free row */
	bool caller_ended;
	bool answered;
};

struct incoming {
	struct channel *channel; /* borrows */
	struct flow *flow;	 /* borrows */
	struct incoming_call calls[INCOMING_MAX_CALLS];
	/* A whole request came. incoming_answer() is called for it now or later. */
	void (*on_request)(void *user, const struct wire_request *request);
	void *user;
};

struct incoming_answer {
	uint32_t code; /* canonical; 0: OK */
	struct str message;
	struct wire_bytes payload; /* at most one chunk */
};

void incoming_init(struct incoming *incoming, struct channel *channel, struct flow *flow);

/* A frame of the plugin's own call came. 0, or -EINVAL with *err: a violation. */
int incoming_on_request(struct incoming *incoming, const struct wire_request *request,
			struct err *err);
int incoming_on_data(struct incoming *incoming, const struct wire_data *data, struct err *err);
void incoming_on_cancel(struct incoming *incoming, const struct wire_cancel *cancel);

/* Answers a call. Not found (the channel was closed, or it was answered) is fine. */
void incoming_answer(struct incoming *incoming, uint32_t id, const struct incoming_answer *answer);

#endif
