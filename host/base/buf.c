/* A run of bytes that grows at its end and shrinks at its front. Channels and connections own one
 * for each direction; they bound what goes in, this file doesn't. Never fails (base/mem.h). */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_BYTES  512u
#define PRINTF_BYTES 64u

void buf_deinit(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

/* The content goes to the front of a larger run. */
static void buf_grow(struct buf *buf, size_t bytes)
{
	size_t len = buf_len(buf);
	size_t cap = buf->cap ? buf->cap * 2 : FIRST_BYTES;
	while (cap - len < bytes && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap - len < bytes)
		cap = SIZE_MAX; /* which mem_alloc() answers */

	if (buf->start == 0) {
		buf->data = mem_realloc(buf->data, cap);
	} else {
		uint8_t *data = mem_alloc(cap);
		memcpy(data, buf_front(buf), len);
		free(buf->data);
		buf->data = data;
	}
	buf->start = 0;
	buf->end = len;
	buf->cap = cap;
}

uint8_t *buf_reserve(struct buf *buf, size_t bytes)
{
	size_t len = buf_len(buf);

	if (buf->data && buf->cap - buf->end >= bytes)
		return buf->data + buf->end;

	/* Moving is paid for by what was consumed since the last move; otherwise a long content
	 * that is eaten in small bites would be moved for each bite. */
	if (buf->data && buf->cap - len >= bytes && buf->start >= len) {
		memmove(buf->data, buf_front(buf), len);
		buf->start = 0;
		buf->end = len;
	} else {
		buf_grow(buf, bytes);
	}
	return buf->data + buf->end;
}

void buf_commit(struct buf *buf, size_t bytes)
{
	assert(bytes <= buf->cap - buf->end);
	buf->end += bytes;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(buf_reserve(buf, len), data, len);
	buf->end += len;
}

void buf_append_str(struct buf *buf, struct str text)
{
	buf_append(buf, text.data, text.len);
}

/* Most texts fit into what is there; one that doesn't is printed again. */
void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	char *out = (char *)buf_reserve(buf, PRINTF_BYTES);
	size_t room = buf->cap - buf->end;
	va_start(args, format);
	int len = vsnprintf(out, room, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= room) {
		out = (char *)buf_reserve(buf, (size_t)len + 1);
		va_start(args, format);
		vsnprintf(out, (size_t)len + 1, format, args);
		va_end(args);
	}
	buf->end += (size_t)len;
}

void buf_consume(struct buf *buf, size_t bytes)
{
	assert(bytes <= buf_len(buf));
	buf->start += bytes;
	if (buf->start == buf->end)
		buf->start = buf->end = 0;
}

void buf_shrink(struct buf *buf, size_t keep)
{
	if (buf_len(buf) == 0 && buf->cap > keep)
		buf_deinit(buf);
}
