/* What has been said and not yet been written. Owns the stage, borrows the pieces. Called by lane.c
 * and whoever says something short; serve.c flushes once per turn. Never waits: a full pipe leaves
 * `blocked`, and serve.c goes on reading meanwhile. Fails by saying that the host is gone. */
#include "sdk/output.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* An idle plugin keeps this much. */
#define OUTPUT_KEEP_BYTES (64u << 10)

void output_init(struct output *output, int fd)
{
	*output = (struct output){.fd = fd};
}

static void piece_release(const struct output_piece *piece)
{
	if (piece->release != NULL)
		piece->release(piece->arg);
}

void output_deinit(struct output *output)
{
	for (unsigned i = 0; i < output->piece_count; i++)
		piece_release(&output->pieces[i]);
	grow_deinit(&output->stage);
	*output = (struct output){.fd = -1};
}

size_t output_pending(const struct output *output)
{
	return output->stage.len - output->written + output->piece_bytes;
}

/* Drops the written front of the stage. */
static void output_compact(struct output *output)
{
	size_t gone = output->written;

	memmove(output->stage.data, output->stage.data + gone, output->stage.len - gone);
	output->stage.len -= gone;
	output->written = 0;
	for (unsigned i = 0; i < output->piece_count; i++)
		output->pieces[i].stage_at -= gone;
}

uint8_t *output_reserve(struct output *output, size_t bytes)
{
	struct grow *stage = &output->stage;

	if (stage->cap - stage->len < bytes && output->written > stage->len / 2)
		output_compact(output);
	return grow_reserve(stage, bytes);
}

void output_commit(struct output *output, size_t bytes)
{
	output->stage.len += bytes;
}

bool output_can_attach(const struct output *output)
{
	return output->piece_count < OUTPUT_PIECES;
}

void output_attach(struct output *output, const struct output_piece *piece)
{
	struct output_piece *to = &output->pieces[output->piece_count++];

	*to = *piece;
	to->stage_at = output->stage.len;
	output->piece_bytes += piece->len;
}

/* Lists stage and pieces in the order in which they must leave. */
static int output_list(const struct output *output, struct iovec iov[2 * OUTPUT_PIECES + 1])
{
	size_t at = output->written;
	int count = 0;

	for (unsigned i = 0; i < output->piece_count; i++) {
		const struct output_piece *piece = &output->pieces[i];

		if (piece->stage_at > at)
			iov[count++] =
				(struct iovec){output->stage.data + at, piece->stage_at - at};
		iov[count++] = (struct iovec){(void *)(uintptr_t)piece->data, piece->len};
		at = piece->stage_at;
	}
	if (output->stage.len > at)
		iov[count++] = (struct iovec){output->stage.data + at, output->stage.len - at};
	return count;
}

/* Takes `bytes` off the front of one piece and what is staged before it. Returns what is left of
 * `bytes`, and whether the piece is through. */
static size_t piece_advance(struct output *output, struct output_piece *piece, size_t bytes,
			    bool *through_out)
{
	size_t gap = piece->stage_at - output->written;

	if (bytes < gap) {
		output->written += bytes;
		return 0;
	}
	output->written += gap;
	bytes -= gap;
	*through_out = bytes >= piece->len;
	if (!*through_out) {
		piece->data += bytes;
		piece->len -= bytes;
		output->piece_bytes -= bytes;
		return 0;
	}
	output->piece_bytes -= piece->len;
	return bytes - piece->len;
}

static void output_advance(struct output *output, size_t bytes)
{
	unsigned done = 0;

	while (done < output->piece_count) {
		bool through = false;

		bytes = piece_advance(output, &output->pieces[done], bytes, &through);
		if (!through)
			break;
		piece_release(&output->pieces[done++]);
	}
	output->piece_count -= done;
	memmove(output->pieces, output->pieces + done,
		output->piece_count * sizeof(*output->pieces));
	output->written += bytes;
	if (output_pending(output) > 0)
		return;
	output->stage.len = 0;
	output->written = 0;
	if (output->stage.cap > OUTPUT_KEEP_BYTES)
		grow_deinit(&output->stage);
}

/* One run of staged bytes is the usual case, and write() is cheaper than writev(). */
static ssize_t output_write(const struct output *output)
{
	struct iovec iov[2 * OUTPUT_PIECES + 1];
	int count;

	if (output->piece_count == 0)
		return write(output->fd, output->stage.data + output->written,
			     output->stage.len - output->written);
	count = output_list(output, iov);
	return writev(output->fd, iov, count);
}

enum output_result output_flush(struct output *output)
{
	output->blocked = false;
	while (output_pending(output) > 0) {
		ssize_t n = output_write(output);

		if (n >= 0) {
			output_advance(output, (size_t)n);
		} else if (errno == EAGAIN) {
			output->blocked = true;
			return OUTPUT_BLOCKED;
		} else if (errno != EINTR) {
			return OUTPUT_GONE;
		}
	}
	return OUTPUT_EMPTY;
}
