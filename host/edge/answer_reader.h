/* A plugin's HTTP answer out of the payloads in which it travels: the head, then pieces of the body
 * as they come, wherever messages and chunks are cut. Pure. */
#ifndef PLUGD_EDGE_ANSWER_READER_H
#define PLUGD_EDGE_ANSWER_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/wire_http.h"

/* A head that is longer is refused. */
#define ANSWER_HEAD_MAX (1u << 20)

struct answer_reader {
	struct buf begun;   /* a head that is not whole yet */
	bool in_message;    /* the message goes on: its body does */
	uint64_t body_left; /* of that message */
	bool has_head;	    /* the first message's head has been given out */
};

struct answer_piece {
	bool is_head; /* status and headers are there */
	uint32_t status;
	struct wire_bytes headers; /* pairs, field WIRE_HTTP_RESPONSE_HEADERS_FIELD */
	struct wire_bytes body;	   /* may be empty */
};

void answer_reader_init(struct answer_reader *reader);
void answer_reader_deinit(struct answer_reader *reader);

/* One payload; `more` as on the wire. False with *why_out, a constant sentence, when it can't be
 * read. *out borrows from the payload and from the reader, until the next call. */
bool answer_reader_feed(struct answer_reader *reader, struct wire_bytes payload, bool more,
			struct answer_piece *out, const char **why_out);

#endif
