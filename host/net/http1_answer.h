/* The answer to an HTTP/1.1 request as bytes: which framing its body gets, its head, its chunks.
 * Pure. */
#ifndef PLUGD_NET_HTTP1_ANSWER_H
#define PLUGD_NET_HTTP1_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/message.h"

enum http1_framing {
	HTTP1_NO_BODY, /* whatever is sent is dropped */
	HTTP1_LENGTH,
	HTTP1_CHUNKS,
	HTTP1_UNTIL_CLOSE, /* HTTP/1.0 without a length */
};

struct http1_answer {
	enum http1_framing framing;
	bool tells_length; /* in Content-Length; also for HEAD, which has no body */
	uint64_t length;   /* of the body, or of what GET would have had */
	uint64_t left;	   /* HTTP1_LENGTH: what is not sent yet */
	bool keep_alive;
};

/* Decides (RFC 9112, 6): `len` bytes are there now, and `end` says that they are all. `may_keep`:
 * the connection could go on. */
struct http1_answer http1_answer_plan(const struct http_request *request,
				      const struct http_response *response, size_t len, bool end,
				      bool may_keep);

/* Appends the status line and the fields. `date` is for a response without a Date. */
void http1_answer_head(struct buf *out, const struct http1_answer *answer,
		       const struct http_request *request, const struct http_response *response,
		       struct str date);

/* A run of the body, framed. */
struct http1_pieces {
	char chunk[20]; /* what pieces[0] may point to */
	struct str pieces[4];
	size_t count;
};

/* Frames `data` (borrowed by the pieces). What is too much for the length is dropped. False: this
 * is the `end`, and it falls short of the length. */
bool http1_answer_body(struct http1_answer *answer, struct str data, bool end,
		       struct http1_pieces *out);

/* The same for bytes that are not here: how many of `len` belong to the body, whose length is
 * known. */
uint64_t http1_answer_count(struct http1_answer *answer, uint64_t len);

#endif
