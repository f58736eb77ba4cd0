/* Frames out of a stream of bytes: the length prefix, the limits, and the kind. Pure: the channel
 * reads into the room that this gives, and asks for the next frame. */
#ifndef PLUGD_PLUGIN_FRAME_H
#define PLUGD_PLUGIN_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/wire.h"

struct frame {
	enum wire_kind kind;	/* WIRE_NONE: of a kind that a newer peer may know */
	uint32_t bytes;		/* of all of it, its length in front too */
	struct wire_bytes body; /* borrowed until the next frame_reader_room() */
};

struct frame_reader {
	struct buf in;
	uint32_t max_frame_bytes;
	size_t room_bytes; /* of the next read; follows the traffic */
	size_t last_bytes; /* of the last read */
};

enum frame_verdict { FRAME_READY, FRAME_NEEDS_MORE, FRAME_BAD };

void frame_reader_init(struct frame_reader *reader, uint32_t max_frame_bytes);
void frame_reader_deinit(struct frame_reader *reader);

/* Where to read to, and how much; enough for the frame that has begun. */
uint8_t *frame_reader_room(struct frame_reader *reader, size_t *len_out);
void frame_reader_filled(struct frame_reader *reader, size_t len);

/* The next whole frame, if it is there. FRAME_BAD fills *err with what a human needs: the first
 * bytes, quoted. */
enum frame_verdict frame_reader_next(struct frame_reader *reader, struct frame *out,
				     struct err *err);

/* Bytes of a frame that has begun and is not whole. */
size_t frame_reader_pending(const struct frame_reader *reader);

/* Gives memory back when nothing is pending and little came. */
void frame_reader_rest(struct frame_reader *reader);

/* "welcome", "data", …; for messages. */
const char *frame_kind_name(enum wire_kind kind);

#endif
