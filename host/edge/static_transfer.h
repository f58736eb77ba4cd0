/* A file on its way to a client. Inside this room only. */
#ifndef PLUGD_EDGE_STATIC_TRANSFER_H
#define PLUGD_EDGE_STATIC_TRANSFER_H

#include <stdbool.h>

#include "edge/exchange.h"
#include "net/message.h"

/* A shorter body is read whole, and goes out together with the head. */
#define STATIC_SMALL_BYTES (32u << 10)

/* Answers with `count` bytes of the file from `offset` on, as content_length says already. Takes
 * fd. False: the head can't be sent, or the file can't be read, and nothing was sent. */
bool static_transfer_begin(struct exchange *exchange, const struct http_response *response, int fd,
			   uint64_t offset);

/* The client takes more. */
void static_transfer_continue(struct exchange *exchange);

/* The exchange is over: nothing of the transfer is left. None is fine. */
void static_transfer_end(struct exchange *exchange, enum http_closed how);

#endif
