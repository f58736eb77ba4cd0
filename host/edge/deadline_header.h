/* How long a client is willing to wait, as it says in a header. Three spellings are known:
 *
 *	X-Request-Timeout   1500ms, 2s, 1m30s, or whole seconds: 5
 *	grpc-timeout        1 to 8 digits and one of H M S m u n (the gRPC protocol over HTTP/2)
 *	Connect-Timeout-Ms  1 to 10 digits (the Connect protocol)
 *
 * Pure. */
#ifndef PLUGD_EDGE_DEADLINE_HEADER_H
#define PLUGD_EDGE_DEADLINE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/message.h"

#define DEADLINE_HEADER_NONE INT64_MAX

/* The shortest of all that are there, in milliseconds, a part of one counted as one; 0: the time is
 * over already. DEADLINE_HEADER_NONE: there is none. False with the field that can't be read. */
bool deadline_header_find(const struct http_field *fields, size_t count, int64_t *timeout_ms_out,
			  const struct http_field **wrong_out);

#endif
