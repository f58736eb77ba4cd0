/* The calls that the host makes on one channel: their frames go out here and come back here. The
 * instance owns it and passes on the frames that belong to it. */
#ifndef PLUGD_PLUGIN_OUTGOING_H
#define PLUGD_PLUGIN_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/call.h"
#include "plugin/channel.h"
#include "plugin/flow.h"
#include "plugin/frame.h"
#include "proto/wire.h"

struct outgoing {
	struct channel *channel; /* borrows */
	struct flow *flow;	 /* borrows */
	struct call_table table;
	uint64_t started; /* calls, ever */
	bool wants_room;  /* somebody waits for the channel, not for credit */
};

void outgoing_init(struct outgoing *outgoing, struct channel *channel, struct flow *flow);
void outgoing_deinit(struct outgoing *outgoing); /* open calls are forgotten */

/* Sends REQUEST; the id is chosen here, everything else is in `request` (borrows). What has no
 * credit is copied and follows by itself. The call is valid until its last word (see call_ops) or
 * outgoing_cancel(). NULL: the plugin has as many calls as it takes. */
struct call *outgoing_start(struct outgoing *outgoing, const struct wire_request *request,
			    const struct call_ops *ops, void *user);

/* The next piece of the request. Always taken; true when nothing waits for credit or for the
 * channel, false when the caller should stop until on_writable. Not after `end`. */
bool outgoing_send(struct outgoing *outgoing, struct call *call, struct wire_bytes payload,
		   bool more, bool end);

/* Payload that on_response or on_data did not consume is consumed now. */
void outgoing_consumed(struct outgoing *outgoing, struct call *call, uint32_t bytes);

/* Nobody waits for this call any more: CANCEL goes out, ops are never called again, `call` is the
 * owner's no more. It counts as live until the plugin has ended it. */
void outgoing_cancel(struct outgoing *outgoing, struct call *call, uint32_t code, struct str reason,
		     int64_t now_ms);

/* A frame of an odd id, or CREDIT for the channel, came. 0, or -EINVAL with *err: a violation.
 * Owners are called from here, and may do anything, also make the instance fail. */
int outgoing_on_response(struct outgoing *outgoing, const struct wire_response *response,
			 struct err *err);
int outgoing_on_data(struct outgoing *outgoing, const struct wire_data *data, struct err *err);
int outgoing_on_cancel(struct outgoing *outgoing, const struct wire_cancel *cancel,
		       struct err *err);
int outgoing_on_credit(struct outgoing *outgoing, const struct wire_credit *credit,
		       struct err *err);

/* The channel has room again: those who waited for it go on. */
void outgoing_on_room(struct outgoing *outgoing);

/* The channel is gone: every owner hears on_broken, with whether its request was delivered. */
void outgoing_break_all(struct outgoing *outgoing, const struct call_break *why);

/* Calls that were open when the channel was closed, for a crash capsule. */
#define OUTGOING_LOST_MAX 32

struct outgoing_lost {
	unsigned count; /* of all; the rows are the first OUTGOING_LOST_MAX of them */
	struct outgoing_lost_call {
		uint32_t id;
		uint32_t method; /* its number */
		int64_t age_us;
		bool is_delivered; /* as in call_break */
		bool is_answered;  /* its answer had begun */
		bool is_cancelled; /* nobody waited for it any more */
	} calls[OUTGOING_LOST_MAX];
};

/* To be asked before outgoing_break_all(). */
void outgoing_list_lost(const struct outgoing *outgoing, struct outgoing_lost *out);

/* Nobody waits for any of them any more: CANCEL goes out for each, every owner hears on_broken.
 * Returns how many there were. */
unsigned outgoing_cancel_all(struct outgoing *outgoing, const struct call_break *why,
			     int64_t now_ms);

/* Calls that the plugin has not ended, cancelled ones too. */
uint32_t outgoing_live(const struct outgoing *outgoing);

/* Appends a CREDIT; id 0 is the channel. */
void outgoing_give_credit(struct channel *channel, uint32_t id, uint32_t bytes);

#endif
