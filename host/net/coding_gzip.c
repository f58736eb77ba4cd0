/* gzip (RFC 1952) behind the interface of codings; the door to zlib. Called by coding.c.
 *
 * Encoding has a window of 16 KiB, which with zlib's tables is 134 KiB of memory; decoding has the
 * 32 KiB that the format asks for, 40 KiB in all. A stream of several members is decoded as one,
 * because the format says so; what follows a member and is none is refused. */
#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "net/coding_private.h"

#define GZIP	     16 /* added to the bits of a window: this wrapper, and no other */
#define WINDOW_BITS  14
#define MEMORY_LEVEL 7

struct gzip {
	struct coder coder;
	z_stream z;
	bool is_between; /* decoding: a member has ended, and no other has begun */
};

static const int levels[] = {[CODING_FAST] = 1, [CODING_BALANCED] = 5, [CODING_SMALL] = 9};

static voidpf allocate(voidpf user, uInt count, uInt size)
{
	return mem_alloc((size_t)count * size);
}

static void release(voidpf user, voidpf memory)
{
	free(memory);
}

static struct gzip *gzip_new(void)
{
	struct gzip *gzip = mem_new(struct gzip);

	gzip->z.zalloc = allocate;
	gzip->z.zfree = release;
	return gzip;
}

/* One step of zlib's between the two sides. Lengths are those of frames and buffers, far below 4
 * GiB. */
static int step(z_stream *z, struct coder_io *io, int (*work)(z_stream *z, int flush), int flush)
{
	int r;

	z->next_in = io->in;
	z->avail_in = (uInt)io->in_len;
	z->next_out = io->out;
	z->avail_out = (uInt)io->out_len;
	r = work(z, flush);
	io->in = z->next_in;
	io->in_len = z->avail_in;
	io->out = z->next_out;
	io->out_len = z->avail_out;
	return r;
}

/* ---- encoding ---- */

static struct coder *encoder_open(enum coding_level level)
{
	struct gzip *gzip = gzip_new();

	if (deflateInit2(&gzip->z, levels[level], Z_DEFLATED, WINDOW_BITS + GZIP, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		mem_die();
	return &gzip->coder;
}

static bool encoder_reset(struct coder *coder)
{
	return deflateReset(&((struct gzip *)coder)->z) == Z_OK;
}

static enum coder_state encoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct gzip *gzip = (struct gzip *)coder;
	int r = step(&gzip->z, io, deflate, last ? Z_FINISH : Z_SYNC_FLUSH);

	if (r == Z_STREAM_END)
		return CODER_DONE;
	if (r != Z_OK && r != Z_BUF_ERROR)
		return CODER_BROKEN;
	return io->out_len == 0 ? CODER_FULL : CODER_HUNGRY;
}

static void encoder_close(struct coder *coder)
{
	deflateEnd(&((struct gzip *)coder)->z);
	free(coder);
}

const struct coder_ops gzip_encoder = {encoder_open, encoder_reset, encoder_run, encoder_close};

/* ---- decoding ---- */

static struct coder *decoder_open(enum coding_level level)
{
	struct gzip *gzip = gzip_new();

	if (inflateInit2(&gzip->z, MAX_WBITS + GZIP) != Z_OK)
		mem_die();
	return &gzip->coder;
}

static bool decoder_reset(struct coder *coder)
{
	struct gzip *gzip = (struct gzip *)coder;

	gzip->is_between = false;
	return inflateReset(&gzip->z) == Z_OK;
}

static enum coder_state decoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct gzip *gzip = (struct gzip *)coder;

	for (;;) {
		int r;

		if (gzip->is_between && io->in_len == 0)
			return CODER_DONE;
		if (gzip->is_between)
			inflateReset(&gzip->z);
		gzip->is_between = false;
		r = step(&gzip->z, io, inflate, Z_NO_FLUSH);
		gzip->is_between = r == Z_STREAM_END;
		if (r == Z_STREAM_END)
			continue;
		if (r != Z_OK && r != Z_BUF_ERROR)
			return CODER_BROKEN;
		if (io->out_len == 0)
			return CODER_FULL;
		if (io->in_len == 0)
			return CODER_HUNGRY;
	}
}

static void decoder_close(struct coder *coder)
{
	inflateEnd(&((struct gzip *)coder)->z);
	free(coder);
}

const struct coder_ops gzip_decoder = {decoder_open, decoder_reset, decoder_run, decoder_close};
