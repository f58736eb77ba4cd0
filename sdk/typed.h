/* Requests and answers as nanopb messages and MessagePack values. */
#ifndef PLUG_TYPED_H
#define PLUG_TYPED_H

#include "sdk/call.h"

/* Decodes the request of a typed method before its handler runs. False: it is no such message, or
 * there is no memory, and the call was answered with that. */
bool typed_decode_request(struct plug_call *call);

#endif
