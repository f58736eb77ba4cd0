/* HTTP/1.1 as a server reads it: bytes in, events out. Pure. */
#ifndef PLUGD_NET_HTTP1_H
#define PLUGD_NET_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#include "net/chunked.h"
#include "net/fault.h"
#include "net/message.h"

enum http1_state {
	HTTP1_HEAD,	   /* zeroed: a head is next, or part of one is there */
	HTTP1_LENGTH_BODY, /* `left` bytes are missing */
	HTTP1_CHUNKED_BODY,
	HTTP1_BODY_ENDED, /* which hasn't been told yet */
	HTTP1_FAULTY,	  /* the end: nothing after a fault can be trusted */
};

struct http1_limits {
	size_t header_bytes; /* request line and fields together */
	unsigned header_count;
	size_t uri_bytes; /* of the target */
};

/* Zeroed, with limits, is the beginning of a connection. */
struct http1 {
	struct http1_limits limits;
	enum http1_state state;
	size_t scanned;	     /* of an incomplete head: bytes known to be whole lines */
	size_t searched;     /* and bytes in which no further line ends */
	bool had_empty_line; /* before the request line: one is tolerated */
	uint64_t left;
	struct chunked chunked;
};

enum http1_what {
	HTTP1_MORE,	/* nothing can be done before more bytes come */
	HTTP1_REQUEST,	/* *request is filled */
	HTTP1_BODY,	/* a run of its body */
	HTTP1_BODY_END, /* after the body of a request that has one; never for others */
	HTTP1_REFUSED,
};

struct http1_event {
	enum http1_what what;
	size_t used;	     /* bytes that are dealt with; the others come again, with more */
	const uint8_t *data; /* HTTP1_BODY: where in the input */
	size_t len;
	enum fault fault; /* HTTP1_REFUSED */
};

/* The next event in `data`. How the bytes are cut into calls makes no difference, except that runs
 * of a body may be shorter. `request` is only used in state HTTP1_HEAD, with arena, peer and scheme
 * set by the caller. */
struct http1_event http1_next(struct http1 *http, const uint8_t *data, size_t len,
			      struct http_request *request);

/* Bytes of the body that are still to come; UINT64_MAX when nobody knows. */
uint64_t http1_body_left(const struct http1 *http);

/* No byte of a next request has been seen. */
static inline bool http1_is_between(const struct http1 *http)
{
	return http->state == HTTP1_HEAD && http->searched == 0;
}

#endif
