/* All calls on one channel, in both directions: decodes their frames and hands each to the side
 * whose id it bears. Odd ids are the host's calls (outgoing.h), even ones the plugin's
 * (incoming.h); both share the channel's windows. */
#ifndef PLUGD_PLUGIN_CALLS_H
#define PLUGD_PLUGIN_CALLS_H

#include <stdbool.h>

#include "base/err.h"
#include "plugin/channel.h"
#include "plugin/flow.h"
#include "plugin/frame.h"
#include "plugin/incoming.h"
#include "plugin/outgoing.h"

struct calls {
	struct flow flow;
	struct outgoing outgoing;
	struct incoming incoming;
};

/* After WELCOME, when the limits of both sides are known. Borrows the channel. */
void calls_init(struct calls *calls, struct channel *channel, const struct handshake_limits *host,
		const struct handshake_limits *plugin);
void calls_deinit(struct calls *calls); /* open calls are forgotten */

/* Is it one of REQUEST, RESPONSE, DATA, CANCEL, CREDIT? */
bool calls_is_frame(enum wire_kind kind);

/* A frame of those. 0, or -EINVAL with *err: a violation. */
int calls_on_frame(struct calls *calls, const struct frame *frame, struct err *err);

#endif
