/* The body of a request on its way from the client to the call. Part of the bridge: bridge.h has
 * what others call. */
#ifndef PLUGD_EDGE_BRIDGE_BODY_H
#define PLUGD_EDGE_BRIDGE_BODY_H

#include "edge/exchange.h"

/* The call begins with so much of its body; if need be, when there is a place (door.h). */
void bridge_ask(struct exchange *exchange, struct wire_bytes body, bool last);

/* The call may take more again: goes on with what waits, then with the client. */
void bridge_body_resume(struct exchange *exchange);

#endif
