/* The body of an answer on its way to the client, when it is compressed. Part of exchange.c: nobody
 * else calls it. */
#ifndef PLUGD_EDGE_ENCODER_H
#define PLUGD_EDGE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/coding.h"
#include "net/message.h"
#include "proto/wire.h"

struct exchange;

/* Zeroed: the body goes as it is. */
struct encoder {
	struct coder *coder;
	bool has_left; /* who answers has promised a length */
	uint64_t left; /* of it */
};

/* Whether answers are compressed on its route. */
bool encoder_is_on(const struct exchange *exchange);

/* The head is about to go out: decides, and makes it the head of what the client will get; `fields`
 * (those of `response`) has room for two more. Only where compression is on. */
void encoder_plan(struct exchange *exchange, struct http_response *response,
		  struct http_field *fields, size_t len, bool end);

/* In place of http_stream_respond() and http_stream_send() while there is a coder. What came goes
 * out at once, so that nothing is held back; an end that falls short of the length that was
 * promised cuts the answer off, as it would without compression. Returns the bytes that were sent,
 * in *sent_out, and false as http_stream_respond(). */
bool encoder_respond(struct exchange *exchange, const struct http_response *response,
		     struct wire_bytes body, bool end, uint64_t *sent_out);
uint64_t encoder_send(struct exchange *exchange, struct wire_bytes body, bool end);

/* The exchange is over, or its answer could not be sent. */
void encoder_deinit(struct exchange *exchange);

#endif
