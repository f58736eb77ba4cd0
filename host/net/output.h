/* What a connection has to say and the client hasn't taken yet: one bounded run of bytes, written
 * once per turn. */
#ifndef PLUGD_NET_OUTPUT_H
#define PLUGD_NET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "net/commons.h"

/* Zeroed is empty and owns nothing. */
struct output {
	struct buf buf;	 /* lent by the commons while there is something in it */
	bool is_broken;	 /* writing failed: nothing more is taken */
	bool is_blocked; /* the kernel is full; the owner clears it when the socket is writable */
};

void output_deinit(struct output *output, struct commons *commons);

/* Where to append small pieces. */
struct buf *output_buf(struct output *output, struct commons *commons);

/* Appends pieces, at most 4; large ones are written at once, and only what the kernel leaves is
 * copied. */
void output_write(struct output *output, struct commons *commons, int fd, const struct str *pieces,
		  size_t count);

/* Writes what there is. True: the kernel took some. */
bool output_send(struct output *output, struct commons *commons, int fd);

static inline size_t output_len(const struct output *output)
{
	return buf_len(&output->buf);
}

#endif
