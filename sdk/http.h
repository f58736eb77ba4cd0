/* HTTP on top of calls: the generated service plugd.http.v1.Http. */
#ifndef PLUG_HTTP_H
#define PLUG_HTTP_H

#include "sdk/call.h"

/* A message of an HTTP call came in: the head, or a piece of the body; or only its beginning or
 * end. Only at home. */
void http_receive(struct plug_call *call, struct wire_bytes message, uint32_t debt,
		  bool no_message);

/* Ends the answer with this body (say->message) or without; puts the head before it if that is
 * due. */
struct plug_answer http_say(struct plug_call *call, struct saying *say);

/* Sends a piece of the answer's body; returns as plug_send() does. */
int http_send(struct plug_call *call, struct saying *say);

#endif
