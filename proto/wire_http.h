/* The messages of plugd.http.v1, encoded and decoded without a library: each HTTP request crosses
 * the process wall as one of them, so they are as hot as the frames. Same rules as wire.h. */
#ifndef PLUGD_PROTO_WIRE_HTTP_H
#define PLUGD_PROTO_WIRE_HTTP_H

#include "proto/wire.h"

/* Field numbers of the repeated pairs, for wire_put_pair() and wire_next_pair(). */
#define WIRE_HTTP_PARAMS_FIELD		 5
#define WIRE_HTTP_REQUEST_HEADERS_FIELD	 10
#define WIRE_HTTP_RESPONSE_HEADERS_FIELD 2

#define WIRE_HTTP_SERVICE "plugd.http.v1.Http"
#define WIRE_HTTP_METHOD  "Handle"

struct wire_http_request {
	struct wire_bytes method;
	struct wire_bytes path;
	struct wire_bytes query;
	struct wire_bytes route;
	struct wire_bytes params; /* encoded pairs, field WIRE_HTTP_PARAMS_FIELD */
	struct wire_bytes scheme;
	struct wire_bytes authority;
	struct wire_bytes peer;
	struct wire_bytes request_id;
	struct wire_bytes headers; /* encoded pairs, field WIRE_HTTP_REQUEST_HEADERS_FIELD */
	uint64_t content_length;
	bool has_content_length;
	struct wire_bytes body;
};

struct wire_http_response {
	uint32_t status;	   /* 0 in every message but the first */
	struct wire_bytes headers; /* encoded pairs, field WIRE_HTTP_RESPONSE_HEADERS_FIELD */
	struct wire_bytes body;
};

bool wire_get_http_request(struct wire_bytes in, struct wire_http_request *out,
			   const char **why_out);
bool wire_get_http_response(struct wire_bytes in, struct wire_http_response *out,
			    const char **why_out);

/* The beginning of a response message that is longer than a chunk: its head, and as much of its
 * body as is there. */
enum wire_http_part {
	/* *out is filled; *body_left_out bytes of the body are still to come */
	WIRE_HTTP_PART_READY,
	WIRE_HTTP_PART_NEEDS_MORE, /* the head goes on after these bytes: try again with more */
	WIRE_HTTP_PART_BAD,	   /* *why_out */
};
enum wire_http_part wire_get_http_response_part(struct wire_bytes in,
						struct wire_http_response *out,
						uint64_t *body_left_out, const char **why_out);

/* Encode a message up to its body: body.len bytes must follow. `out` holds x_head_bound() bytes. */
size_t wire_http_request_head_bound(const struct wire_http_request *request);
size_t wire_put_http_request_head(uint8_t *out, const struct wire_http_request *request);
size_t wire_http_response_head_bound(const struct wire_http_response *response);
size_t wire_put_http_response_head(uint8_t *out, const struct wire_http_response *response);

#endif
