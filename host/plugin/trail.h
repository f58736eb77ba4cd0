/* The last frames of a channel, for a crash capsule: what they were, not what they said, unless the
 * operator wants payloads to be kept. Pure; a few nanoseconds for a frame. */
#ifndef PLUGD_PLUGIN_TRAIL_H
#define PLUGD_PLUGIN_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

#define TRAIL_FRAMES 32

/* Of a payload its beginning is kept. */
#define TRAIL_PAYLOAD_BYTES 1024

struct trail_frame {
	int64_t at_us;	/* loop_now_us() */
	uint32_t id;	/* of its call; 0: it belongs to none */
	uint32_t bytes; /* on the wire */
	enum wire_kind kind;
	bool is_inbound; /* from the plugin */
	uint16_t kept;	 /* bytes of its payload that trail_payload() has */
};

/* Zeroed is a valid empty one that keeps no payloads. */
struct trail {
	uint64_t count;	   /* of frames, ever */
	uint8_t *payloads; /* TRAIL_PAYLOAD_BYTES for each place; NULL: they are not kept */
	struct trail_frame frames[TRAIL_FRAMES];
};

void trail_keep_payloads(struct trail *trail);
void trail_deinit(struct trail *trail);

/* A frame has come or was queued. `payload` is what it carries for a call. */
void trail_note(struct trail *trail, const struct trail_frame *frame, struct wire_bytes payload);

/* More about the last one, which came and has been read meanwhile. */
void trail_tell(struct trail *trail, uint32_t id, struct wire_bytes payload);

/* How many are remembered; 0 is the oldest of them. */
unsigned trail_length(const struct trail *trail);
const struct trail_frame *trail_at(const struct trail *trail, unsigned i);
struct wire_bytes trail_payload(const struct trail *trail, unsigned i);

#endif
