/* The last frames of a channel. Owns a ring of rows, and of the beginnings of payloads if they are
 * kept. The channel writes it with each frame, the capsule reads it once, when the process has
 * ended. */
#include "plugin/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void trail_keep_payloads(struct trail *trail)
{
	if (!trail->payloads)
		trail->payloads = mem_alloc((size_t)TRAIL_FRAMES * TRAIL_PAYLOAD_BYTES);
}

void trail_deinit(struct trail *trail)
{
	free(trail->payloads);
	trail->payloads = NULL;
}

static unsigned place_of(uint64_t count)
{
	return (unsigned)(count % TRAIL_FRAMES);
}

static void keep_payload(struct trail *trail, unsigned place, struct wire_bytes payload)
{
	size_t kept = payload.len < TRAIL_PAYLOAD_BYTES ? payload.len : TRAIL_PAYLOAD_BYTES;

	if (!trail->payloads || kept == 0)
		return;
	trail->frames[place].kept = (uint16_t)kept;
	memcpy(trail->payloads + (size_t)place * TRAIL_PAYLOAD_BYTES, payload.data, kept);
}

void trail_note(struct trail *trail, const struct trail_frame *frame, struct wire_bytes payload)
{
	unsigned place = place_of(trail->count++);

	trail->frames[place] = *frame;
	keep_payload(trail, place, payload);
}

void trail_tell(struct trail *trail, uint32_t id, struct wire_bytes payload)
{
	unsigned place = place_of(trail->count - 1);

	trail->frames[place].id = id;
	keep_payload(trail, place, payload);
}

unsigned trail_length(const struct trail *trail)
{
	return trail->count < TRAIL_FRAMES ? (unsigned)trail->count : TRAIL_FRAMES;
}

static unsigned place_at(const struct trail *trail, unsigned i)
{
	return place_of(trail->count - trail_length(trail) + i);
}

const struct trail_frame *trail_at(const struct trail *trail, unsigned i)
{
	return &trail->frames[place_at(trail, i)];
}

struct wire_bytes trail_payload(const struct trail *trail, unsigned i)
{
	unsigned place = place_at(trail, i);
	const struct trail_frame *frame = &trail->frames[place];

	if (frame->kept == 0)
		return (struct wire_bytes){NULL, 0};
	return (struct wire_bytes){trail->payloads + (size_t)place * TRAIL_PAYLOAD_BYTES,
				   frame->kept};
}
