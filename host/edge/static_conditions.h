/* Whether a request that names what the client has already is answered with the file (RFC 9110,
 * 13). Pure. */
#ifndef PLUGD_EDGE_STATIC_CONDITIONS_H
#define PLUGD_EDGE_STATIC_CONDITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/message.h"

/* What tells one content of a file from another. */
struct validators {
	struct str etag;    /* with its quotes; strong */
	int64_t modified_s; /* since 1970 */
	int64_t now_s;
};

enum condition_verdict {
	CONDITION_GO_ON,
	CONDITION_NOT_MODIFIED, /* 304 */
	CONDITION_FAILED,	/* 412 */
};

/* For GET and HEAD, in the order of RFC 9110, 13.2.2. Dates that can't be read are passed over. */
enum condition_verdict conditions_judge(const struct http_field *fields, size_t count,
					const struct validators *validators);

/* Whether Range counts: there is no If-Range, or it names this very content. */
bool conditions_allow_range(const struct http_field *fields, size_t count,
			    const struct validators *validators);

#endif
