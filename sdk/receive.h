/* The frames of calls, as they come from the host. */
#ifndef PLUG_RECEIVE_H
#define PLUG_RECEIVE_H

#include "proto/wire.h"

struct plug;

void receive_request(struct plug *plug, struct wire_bytes body);
void receive_data(struct plug *plug, struct wire_bytes body);
void receive_cancel(struct plug *plug, struct wire_bytes body);
void receive_credit(struct plug *plug, struct wire_bytes body);

#endif
