/* The answer to a request that net refuses by itself. */
#ifndef PLUGD_NET_REFUSAL_H
#define PLUGD_NET_REFUSAL_H

#include "net/commons.h"

/* Asks the upcalls for it; without on_refused it is the sentence as text. Fills *response_out with
 * what may be sent, and returns the body; both are valid as long as the arena's content. */
struct str refusal_make(const struct commons *commons, const struct http_refusal *refusal,
			struct arena *arena, struct http_response *response_out);

#endif
