/* What the HTTP/1.1 parser makes of some bytes, as text that can be compared:
 *
 *	GET /a?q HTTP/1.1 host=example.com keep x-name=[value]
 *	body hello
 *	end
 *	refused LINE_END
 *
 * For the unit test and the fuzz target of net/http1. */
#ifndef PLUGD_TESTS_HTTP1_TRANSCRIPT_H
#define PLUGD_TESTS_HTTP1_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http1.h"

/* Feeds `data` in pieces: the n-th has cut(user, n) bytes (at least 1). Appends to `out`. Aborts on
 * a broken promise, such as an event that points outside the input. */
typedef size_t http1_cut_fn(void *user, size_t n);
void http1_transcript(struct buf *out, struct http1_limits limits, const uint8_t *data, size_t len,
		      http1_cut_fn *cut, void *user);

#endif
