/* The answer to an HTTP/1.1 request as bytes: which framing its body gets, its head, its chunks. Pure. */
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

/* Decides (RFC 9112, 6): `len` bytes are there now, and `end` says that they are all. `may_keep`: the connection could go on. */
struct http1_answer http1_answer_plan(const struct http_request *request,
				      const struct http_response *response, size_t len, bool end,
				      bool may_keep);

/* Appends the status line and the fields. `date` is for a response without a Date. */
void http1_answer_head(struct buf *out, const struct http1_answer *answer,
		       const struct http_request *request, const struct http_response *response,
		       struct str date);

/* "1f4\r\n"; returns its length. */
#define HTTP1_CHUNK_HEAD 20
size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD], size_t len);

#define HTTP1_CHUNK_END	 STR_LITERAL("\r\n")
#define HTTP1_CHUNK_LAST STR_LITERAL("0\r\n\r\n")

#endif
