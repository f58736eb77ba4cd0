/* One call, carried well: the one door to the plugins. Whoever needs an answer (a client, the
 * operator, another plugin) starts a call here and hears of it until it is done.
 *
 * The life of a call:
 *
 *	dispatch_start ─▶ [ waits for its turn ] ─▶ runs on one instance ─▶ on_done, once, last
 *	                    queue_timeout    ▲       on_response, on_data, on_writable
 *	                                     └─ a pause ─┘ failed, and may be tried again (retry.h)
 *
 * A deadline, a full queue, a plugin that isn't ready or dies: all end in on_done with an outcome.
 * It may come before dispatch_start() returns: then that returned NULL. */
#ifndef PLUGD_DISPATCH_DISPATCH_H
#define PLUGD_DISPATCH_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/str.h"
#include "dispatch/meter.h"
#include "dispatch/outcome.h"
#include "dispatch/stand_in.h"
#include "dispatch/target.h"
#include "observe/log.h"
#include "proto/wire.h"

struct digest_stream;
struct dispatch;
struct dispatch_call;

/* How it ended, valid during on_done. */
struct dispatch_result {
	enum outcome outcome;
	struct str message;	       /* of the plugin, or of the host; may be empty */
	uint32_t retry_after_ms;       /* 0: nobody said */
	int64_t queue_us;	       /* waited for its turn, and between tries */
	int64_t plugin_us;	       /* from the frame's start to the last word, of all tries */
	unsigned attempts;	       /* times that it was sent */
	const char *instance;	       /* id, of the last try; NULL: it reached none */
	enum stand_in_answer stand_in; /* may another plugin be asked instead? */
	/* All that was asked so far; NULL: some of it is not at hand any more. */
	const struct wire_request *request;
};

struct dispatch_ops {
	/* As in call_ops: true when the payload is consumed, false when dispatch_consumed() will
	 * tell. Not called for an answer that is an error: on_done tells that. */
	bool (*on_response)(void *user, const struct wire_response *response);
	bool (*on_data)(void *user, const struct wire_data *data);
	void (*on_writable)(void *user);
	void (*on_done)(void *user, const struct dispatch_result *result);

	/* What the request is known by when it makes plugins die: adds that to `to`, without what
	 * differs each time. `payload` is the whole of it. NULL: all of the payload. */
	void (*identify)(void *user, struct wire_bytes payload, struct digest_stream *to);
};

struct dispatch_opts {
	struct target *target;
	int64_t timeout_ms; /* 0: no deadline */
	/* What goes out; id, timeout_ms and attempt are filled in. Borrows until dispatch_start()
	 * returns, or, with `request_stays`, until on_done or dispatch_cancel(). Only a request
	 * that stays and has `end` can be sent again. */
	const struct wire_request *request;
	bool request_stays;
	bool is_idempotent; /* asking twice does no harm */
	/* Whose number `request` has. A generation that numbers its methods otherwise is asked by
	 * its own number. NULL: the number is right for every generation. */
	const struct manifest *manifest;
	struct meter *meter; /* of the method, counts the call; NULL: nothing does */
	uint64_t key;	     /* during a canary: the same key, the same generation; 0: by chance */
	/* The timeout is the caller's own and shorter than the operator's: that it passes says
	 * nothing about the plugin. */
	bool is_impatient;
};

struct dispatch *dispatch_new(struct loop *loop); /* returns owned */
void dispatch_free(struct dispatch *dispatch);	  /* no call may be open; NULL is fine */

/* Where it tells what it decides; before: nowhere. Borrows. */
void dispatch_log_to(struct dispatch *dispatch, struct log *log);

/* Makes a plugin a target for calls. It must stay where it is. */
void dispatch_init_target(struct target *target, const struct plugin_opts *plugin);

/* Its pool has changed: those who wait for an instance are served, or told that none comes. */
void dispatch_wake(struct dispatch *dispatch, struct target *target);

/* NULL: on_done has been called already. Otherwise valid until on_done or dispatch_cancel(). */
struct dispatch_call *dispatch_start(struct dispatch *dispatch, const struct dispatch_opts *opts,
				     const struct dispatch_ops *ops, void *user);

/* May the next piece be sent now? False while it waits for its turn or for credit; on_writable
 * follows. */
bool dispatch_is_writable(const struct dispatch_call *call);

/* Has it left the queue? */
bool dispatch_is_running(const struct dispatch_call *call);

/* From on_response or on_data with `end`: what came can't be used. on_done follows with BAD_ANSWER
 * and `why` (borrows until then), and so it counts. Without `end` dispatch_cancel() does that. */
void dispatch_refuse_answer(struct dispatch_call *call, struct str why);

/* The next piece of the request. Borrows; what has no credit is copied, so stop when the call isn't
 * writable any more. Not while it waits for its turn, and not after `end`. */
void dispatch_send(struct dispatch_call *call, struct wire_bytes payload, bool more, bool end);

void dispatch_consumed(struct dispatch_call *call, uint32_t bytes);

/* The caller has left: CANCEL goes to the plugin, on_done does not come. `outcome` is what is
 * counted. Not from on_response or on_data with `end`: then on_done follows at once, and
 * dispatch_refuse_answer() is how to complain. */
void dispatch_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason);

/* How long it has waited, and how long the plugin has had it, until now. */
void dispatch_spent(const struct dispatch_call *call, int64_t *queue_us_out,
		    int64_t *plugin_us_out);

/* From now on calls to this target wait, as many as its queue takes and for as long as a hold may
 * last; or they go on. */
void dispatch_hold(struct dispatch *dispatch, struct target *target, bool held);

/* An instance of the target has ended, and its calls have broken; whether by its own fault. */
void dispatch_on_death(struct dispatch *dispatch, struct target *target,
		       const struct instance *instance, bool is_own_fault);

/* Calls that are open, waiting ones too. */
unsigned dispatch_open_count(const struct dispatch *dispatch);

#endif
