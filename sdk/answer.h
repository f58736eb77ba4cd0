/* How a call is answered, beneath the public functions. */
#ifndef PLUG_ANSWER_H
#define PLUG_ANSWER_H

#include "sdk/call.h"

/* Ends the call with this, which it may change; takes say->data when there is a release. From any
 * thread. */
struct plug_answer answer_say(struct plug_call *call, struct saying *say);

/* Sends a message on a stream; returns as plug_send() does. From any thread. */
int answer_send(struct plug_call *call, const struct saying *say);

#endif
