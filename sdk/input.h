/* Frames as they come from the host: read much, hand out one at a time, in place. */
#ifndef PLUG_INPUT_H
#define PLUG_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/wire.h"

/* Memory that was read into. A call that outlives its handler holds on to the block with its
 * request. */
struct block {
	unsigned refs;
	size_t cap;
	uint8_t data[];
};

struct block *block_ref(struct block *block);
void block_unref(struct block *block); /* NULL is fine */

struct input {
	int fd;		     /* not blocking; belongs to guard.c */
	struct block *block; /* unread bytes are block->data[start .. end) */
	size_t start;
	size_t end;
	bool drained; /* the last read found less than it asked for */
};

void input_init(struct input *input, int fd);
void input_deinit(struct input *input);

/* Reads once. Bytes read; 0: end of file; -EAGAIN; -ENOMEM; -errno. A frame announced to be larger
 * than `max_frame` is left to input_next() to refuse. */
ssize_t input_fill(struct input *input, size_t max_frame);

enum input_result { INPUT_FRAME, INPUT_MORE, INPUT_BAD };

/* The next whole frame, without its prefix; valid until the next input_fill() unless its block is
 * referenced. INPUT_BAD: an empty frame, or one above max_frame. */
enum input_result input_next(struct input *input, size_t max_frame, struct wire_bytes *frame_out);

#endif
