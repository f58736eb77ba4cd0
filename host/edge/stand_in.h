/* The plugin that answers a request when no instance of the one that it came for can serve it
 * (`on_unavailable`). Its own answer, also its own error, is the client's then; when it can't serve
 * either, the client is told what it would be told without it. */
#ifndef PLUGD_EDGE_STAND_IN_H
#define PLUGD_EDGE_STAND_IN_H

#include <stdbool.h>

#include "dispatch/dispatch.h"
#include "edge/exchange.h"

/* A call of the exchange has ended so. True: the stand-in is asked, or the exchange has failed for
 * it; there may be a call again. False: the result counts. */
bool stand_in_takes(struct exchange *exchange, const struct dispatch_result *result);

/* The plugin has never told what it provides, and will not in time: the stand-in is asked for what
 * the exchange asks for, or the exchange fails with the outcome. The message is a literal, or
 * empty. */
void stand_in_or_fail(struct exchange *exchange, enum outcome outcome, struct str message);

/* The stand-in that was waited for has started, or won't. */
void stand_in_lead(struct exchange *exchange);

#endif
