/* What a connection has to say and the client hasn't taken yet: one bounded run of bytes, written
 * once per turn. */
#ifndef PLUGD_NET_OUTPUT_H
#define PLUGD_NET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "net/commons.h"
#include "net/transport.h"

/* Zeroed is empty and owns nothing. */
struct output {
	struct transport *transport; /* borrows; NULL: bytes go out as they are */
	struct buf buf;		     /* lent by the commons while there is something in it */
	struct buf sealed; /* the same: what goes out before it, as it goes over the wire */
	bool is_broken;	   /* writing failed: nothing more is taken */
	bool is_blocked;   /* the kernel is full; the owner clears it when the socket is writable */
};

void output_deinit(struct output *output, struct commons *commons);

/* Where to append small pieces. */
struct buf *output_buf(struct output *output, struct commons *commons);

/* Where the transport appends what it has to say by itself. */
struct buf *output_sealed(struct output *output, struct commons *commons);

/* Appends pieces, at most 4; large ones are written at once, and only what the kernel leaves is
 * copied. */
void output_write(struct output *output, struct commons *commons, int fd, const struct str *pieces,
		  size_t count);

/* Writes what there is. True: the kernel took some. */
bool output_send(struct output *output, struct commons *commons, int fd);

static inline size_t output_len(const struct output *output)
{
	return buf_len(&output->buf) + buf_len(&output->sealed);
}

/* The client makes us answer and takes no answer: it must not be read any further. */
bool output_is_choked(const struct output *output);

#endif
