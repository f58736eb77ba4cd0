/* Which answers are compressed, and what that changes in their heads: the decisions. Pure, apart
 * from the arena that new texts come from. */
#ifndef PLUGD_EDGE_COMPRESS_H
#define PLUGD_EDGE_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/coding.h"
#include "net/message.h"

/* What an operator sets. Lists are NULL-terminated. */
struct compress_opts {
	bool enabled;
	char **encodings;   /* in the order of preference; NULL: zstd, br, gzip */
	uint64_t min_bytes; /* smaller answers go as they are */
	enum coding_level level;
	char **types; /* "text/html", "text/ *" without the space; NULL: the usual ones */
};

enum compress_wish { COMPRESS_INHERIT, COMPRESS_ON, COMPRESS_OFF };

/* The same for one route; what is not set is the edge's. */
struct route_compress_opts {
	enum compress_wish wish;
	uint64_t min_bytes; /* 0: not set */
	char **types;	    /* NULL: not set */
};

/* What holds on a route, or where there is none. Borrows from the options. */
struct compress_policy {
	bool is_on;
	enum coding_level level;
	uint64_t min_bytes;
	enum coding_id order[CODING_COUNT];
	size_t order_count;
	char *const *types; /* NULL: the usual ones */
};

/* `route` NULL: where there is none. */
void compress_policy_init(struct compress_policy *policy, const struct compress_opts *edge,
			  const struct route_compress_opts *route);

/* NULL, or what is wrong with the text as one of `types`, as the end of a sentence about it. */
const char *compress_check_type(struct str text);

enum compress_verdict {
	COMPRESS_NEVER,	  /* whoever asks gets it as it is */
	COMPRESS_DEPENDS, /* it depends on Accept-Encoding, and this client gets it as it is */
	COMPRESS_CODED,	  /* this client gets it in *coding_out */
};

/* `bytes`: of the whole body; SIZE_UNKNOWN: nobody knows yet. */
#define SIZE_UNKNOWN UINT64_MAX
enum compress_verdict compress_decide(const struct compress_policy *policy,
				      const struct http_request *request,
				      const struct http_response *response, uint64_t bytes,
				      enum coding_id *coding_out);

/* Says that the answer depends on Accept-Encoding, where it does not say so yet. `fields` has room
 * for one more. */
void compress_vary(struct arena *arena, struct http_field *fields, size_t *count);

/* Makes the head that of a body in this coding: names it, weakens ETag, takes Accept-Ranges out.
 * `fields` has room for one more. */
void compress_head(enum coding_id id, struct arena *arena, struct http_field *fields,
		   size_t *count);

/* A 304 speaks of the body that the client has: its ETag gets weak where the client's is. */
void compress_not_modified(const struct http_request *request, struct arena *arena,
			   struct http_field *fields, size_t count);

#endif
