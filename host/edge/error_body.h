/* What clients are told when something goes wrong: {"code", "message", "request_id"}. Pure. */
#ifndef PLUGD_EDGE_ERROR_BODY_H
#define PLUGD_EDGE_ERROR_BODY_H

#include "base/arena.h"
#include "base/str.h"
#include "edge/exchange.h"

/* The JSON text, in the arena. Bytes of the message that are not UTF-8 become '?'. */
struct str error_body(struct arena *arena, const struct exchange_error *error,
		      struct str request_id);

#endif
