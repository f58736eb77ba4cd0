/* What a connection has to say and the client hasn't taken yet: one bounded run of bytes, written
 * once per turn, and behind it perhaps a run of a file. */
#ifndef PLUGD_NET_OUTPUT_H
#define PLUGD_NET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "net/commons.h"
#include "net/transport.h"

/* Bytes that go from a file to the socket without being read here. */
struct output_file {
	int fd; /* borrows, while `left` is not 0 */
	int64_t offset;
	uint64_t left;
	bool is_short; /* it ended too early; `left` is 0 then */
};

/* Zeroed is empty and owns nothing. */
struct output {
	struct transport *transport; /* borrows; NULL: bytes go out as they are */
	struct buf buf;		     /* lent by the commons while there is something in it */
	struct buf sealed;	 /* the same: what goes out before it, as it goes over the wire */
	struct output_file file; /* behind `buf`; nothing may be appended before it is out */
	bool is_broken;		 /* writing failed: nothing more is taken */
	bool is_blocked; /* the kernel is full; the owner clears it when the socket is writable */
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

/* Writes what there is. True: the kernel took some, or the file turned out to be short. */
bool output_send(struct output *output, struct commons *commons, int fd);

/* Whether output_send_file() may be called: not with a transport, which has to see the bytes. */
static inline bool output_takes_files(const struct output *output)
{
	return !output->transport;
}

/* The run goes out with the next output_send(); one at a time. Borrows fd until `left` is 0 or
 * output_drop_file(). */
void output_send_file(struct output *output, int fd, uint64_t offset, uint64_t len);

/* What is left of it is not sent. */
void output_drop_file(struct output *output);

static inline size_t output_len(const struct output *output)
{
	return buf_len(&output->buf) + buf_len(&output->sealed) + (size_t)output->file.left;
}

/* The client makes us answer and takes no answer: it must not be read any further. */
bool output_is_choked(const struct output *output);

#endif
