/* A growing run of bytes that is filled at its end and consumed at its front: what a socket or a
 * pipe has read and nobody has parsed, or what has been said and not yet written. Pure. */
#ifndef PLUGD_BASE_BUF_H
#define PLUGD_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Content is data[start .. end). Zeroed is a valid empty buf that owns nothing. */
struct buf {
	uint8_t *data;
	size_t start;
	size_t end;
	size_t cap;
};

void buf_deinit(struct buf *buf); /* also makes it empty again */

static inline size_t buf_len(const struct buf *buf)
{
	return buf->end - buf->start;
}

static inline uint8_t *buf_front(const struct buf *buf)
{
	return buf->data ? buf->data + buf->start : NULL; /* C forbids NULL + 0 */
}

/* Makes room for `bytes` more and returns where they go; valid until the next call on this buf.
 * Moves the content to the front before it grows. */
uint8_t *buf_reserve(struct buf *buf, size_t bytes);

/* `bytes` of the reserved room are now content. */
void buf_commit(struct buf *buf, size_t bytes);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));

/* Drops `bytes` from the front. An empty buf starts at 0 again. */
void buf_consume(struct buf *buf, size_t bytes);

/* Gives memory back when more than `keep` bytes are held and nothing is in it. */
void buf_shrink(struct buf *buf, size_t keep);

#endif
