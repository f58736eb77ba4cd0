/* Frames as they come from the host. Owns the block that is read into. Called by serve.c once per
 * turn: one read, then all frames that are there. A frame is never copied to be looked at; only the
 * unfinished rest of a read moves to the front, and a block whose requests are still in use is left
 * to them and replaced. Fails by saying -ENOMEM or the read's errno. */
#include "sdk/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two chunks with their envelopes. Only pages that were read into cost memory. */
#define INPUT_BLOCK_BYTES (136u << 10)

struct block *block_ref(struct block *block)
{
	block->refs++;
	return block;
}

void block_unref(struct block *block)
{
	if (block != NULL && --block->refs == 0)
		free(block);
}

static struct block *block_new(size_t cap)
{
	struct block *block = malloc(sizeof(*block) + cap);

	if (block != NULL) {
		block->refs = 1;
		block->cap = cap;
	}
	return block;
}

void input_init(struct input *input, int fd)
{
	*input = (struct input){.fd = fd};
}

void input_deinit(struct input *input)
{
	block_unref(input->block);
	*input = (struct input){.fd = -1};
}

/* Bytes that the frame at the front needs in one piece, prefix included. */
static size_t input_wanted(const struct input *input, size_t max_frame)
{
	uint32_t frame_bytes;

	if (input->end - input->start < WIRE_PREFIX_BYTES)
		return WIRE_PREFIX_BYTES;
	frame_bytes = wire_get_prefix(input->block->data + input->start);
	return frame_bytes <= max_frame ? WIRE_PREFIX_BYTES + (size_t)frame_bytes
					: WIRE_PREFIX_BYTES;
}

/* Starts a new block with the unread bytes of the old one. */
static bool input_replace(struct input *input, size_t wanted)
{
	size_t unread = input->end - input->start;
	struct block *block = block_new(wanted > INPUT_BLOCK_BYTES ? wanted : INPUT_BLOCK_BYTES);

	if (block == NULL)
		return false;
	if (unread > 0) {
		memcpy(block->data, input->block->data + input->start, unread);
		/* Of a HELLO, in which secrets may be; see secrets_forget(). */
		explicit_bzero(input->block->data + input->start, unread);
	}
	block_unref(input->block);
	input->block = block;
	input->start = 0;
	input->end = unread;
	return true;
}

/* Makes room for at least one byte more of the frame at the front. */
static bool input_make_room(struct input *input, size_t max_frame)
{
	size_t unread = input->end - input->start;
	size_t wanted = input->block != NULL ? input_wanted(input, max_frame) : 0;

	if (input->block == NULL || input->block->refs > 1 || input->block->cap < wanted)
		return input_replace(input, wanted);
	if (unread == 0 && input->block->cap > 2 * INPUT_BLOCK_BYTES)
		return input_replace(input, wanted);
	if (unread == 0 || input->block->cap - input->start < wanted ||
	    input->block->cap - input->end < input->block->cap / 4) {
		memmove(input->block->data, input->block->data + input->start, unread);
		input->start = 0;
		input->end = unread;
	}
	return true;
}

ssize_t input_fill(struct input *input, size_t max_frame)
{
	size_t room;
	ssize_t n;

	if (!input_make_room(input, max_frame))
		return -ENOMEM;
	room = input->block->cap - input->end;
	do {
		n = read(input->fd, input->block->data + input->end, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		input->drained = true;
		return -errno;
	}
	input->drained = (size_t)n < room;
	input->end += (size_t)n;
	return n;
}

enum input_result input_next(struct input *input, size_t max_frame, struct wire_bytes *frame_out)
{
	size_t unread = input->end - input->start;
	uint32_t frame_bytes;

	if (unread < WIRE_PREFIX_BYTES)
		return INPUT_MORE;
	frame_bytes = wire_get_prefix(input->block->data + input->start);
	if (frame_bytes == 0 || frame_bytes > max_frame)
		return INPUT_BAD;
	if (unread - WIRE_PREFIX_BYTES < frame_bytes)
		return INPUT_MORE;
	frame_out->data = input->block->data + input->start + WIRE_PREFIX_BYTES;
	frame_out->len = frame_bytes;
	input->start += WIRE_PREFIX_BYTES + (size_t)frame_bytes;
	return INPUT_FRAME;
}
