/* The head of an HTTP/2 request: fields, one after the other as HPACK gives them, → struct
 * http_request. The library has checked names, values, their order and what connection-specific
 * fields may not say (RFC 9113, 8.2 and 8.3). Pure. */
#ifndef PLUGD_NET_HTTP2_HEAD_H
#define PLUGD_NET_HTTP2_HEAD_H

#include "net/fault.h"
#include "net/fields.h"

struct http2_head_limits {
	size_t bytes;	/* of names and values, with 32 for each field, as RFC 9113, 6.5.2 counts */
	unsigned count; /* of fields, without pseudo-header fields */
	size_t path_bytes;
};

/* Zeroed is the beginning. */
struct http2_head {
	struct fields fields;
	size_t bytes;
	enum fault fault; /* the first; nothing is kept from then on */
	struct str method;
	struct str path;
	struct str authority;
	bool has_path;
};

/* Copies into the arena. */
void http2_head_add(struct http2_head *head, struct arena *arena,
		    const struct http2_head_limits *limits, struct str name, struct str value);

/* All fields are there. Fills the request, but for peer, scheme, tls and arena, which the caller
 * has set. `has_body`: the stream goes on. */
enum fault http2_head_finish(struct http2_head *head, bool has_body, struct http_request *request);

#endif
