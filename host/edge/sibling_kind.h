/* Codings that a file may lie there in beside itself, and whether a client takes one. Pure. */
#ifndef PLUGD_EDGE_SIBLING_KIND_H
#define PLUGD_EDGE_SIBLING_KIND_H

#include <stdbool.h>

#include "net/coding.h"
#include "net/message.h"

struct sibling_kind {
	struct str name;   /* in Accept-Encoding and Content-Encoding */
	struct str suffix; /* of the file's name */
	enum coding_id coding;
};

/* By its name; NULL: it is not known. */
const struct sibling_kind *sibling_kind_find(struct str name);

/* Whether a request with these fields takes it (RFC 9110, 12.5.3): it is named, or "*" is, with a
 * weight above 0. Without Accept-Encoding no coding is taken, because old clients send none. */
bool sibling_kind_is_accepted(const struct sibling_kind *kind, const struct http_field *fields,
			      size_t count);

#endif
