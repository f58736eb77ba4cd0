/* Which part of a file a client asks for (RFC 9110, 14). Pure. */
#ifndef PLUGD_EDGE_STATIC_RANGE_H
#define PLUGD_EDGE_STATIC_RANGE_H

#include <stdint.h>

#include "base/str.h"

enum range_verdict {
	RANGE_WHOLE,	     /* all of it: nothing was asked for that is honoured */
	RANGE_PART,	     /* the one run of bytes */
	RANGE_UNSATISFIABLE, /* 416: all that was asked for lies behind the end */
};

struct byte_range {
	uint64_t first;
	uint64_t count; /* at least 1 */
};

/* The value of Range, about a file of that size. `out` is set for RANGE_PART. */
enum range_verdict range_read(struct str value, uint64_t size, struct byte_range *out);

#endif
