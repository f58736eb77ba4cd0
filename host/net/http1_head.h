/* The head of an HTTP/1.1 request, once it is complete: request line and fields → struct
 * http_request. Pure. */
#ifndef PLUGD_NET_HTTP1_HEAD_H
#define PLUGD_NET_HTTP1_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "net/fault.h"
#include "net/message.h"

/* Parses `len` bytes that begin with the request line and end with the empty line; every line in it
 * is known to end with CR LF. Copies into request->arena, which the caller has set; `peer` and
 * `scheme` are left as they are. The body is chunked when has_body is true and has_content_length
 * isn't. Refuses more than `field_limit` fields. */
enum fault http1_head_parse(struct http_request *request, const uint8_t *head, size_t len,
			    unsigned field_limit);

#endif
