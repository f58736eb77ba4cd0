/* What the author of a call has to be told: its handler, and the events of its stream. */
#ifndef PLUG_EVENTS_H
#define PLUG_EVENTS_H

#include "sdk/call.h"

/* The handler made the call a stream. In whatever thread runs it. */
void events_begin(struct plug_call *call, const struct plug_stream_ops *ops, void *state);

/* A message came in; `debt` is credit to give back when it was dealt with. Tells it at once where
 * that is possible. False without memory. Only at home. */
bool events_take(struct plug_call *call, struct wire_bytes message, uint32_t debt);

/* A piece of a message came in: its credit is given back as soon as no whole message waits before
 * it, so that one message may be larger than the window and a stream that is not read is slowed all
 * the same. */
void events_owe(struct plug_call *call, uint32_t bytes);

/* Something became due. From any thread. */
void events_end(struct plug_call *call);
void events_room(struct plug_call *call);
void events_cancel(struct plug_call *call, uint32_t code);
void events_over(struct plug_call *call);
void events_pause(struct plug_call *call, bool paused);

/* Runs what is in the run queue, unless workers do. Only at home. */
void events_run_queue(struct plug *plug);

#endif
