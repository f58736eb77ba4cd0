/* zstd (RFC 8878) behind the interface of codings; the door to libzstd. Called by coding.c.
 *
 * Encoding has a window of 64 KiB, and tables that are small whatever the level, in 0.6 to 0.7 MiB.
 * Decoding takes windows up to 8 MiB, which is what a sender may expect of anybody (RFC 9659), and
 * gives that memory back with each stream. Frames may follow each other, and are decoded as one
 * stream. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "net/coding_private.h"

#define WINDOW_BITS	16
#define TABLE_BITS	15
#define MAX_WINDOW_BITS 23

struct zstd {
	struct coder coder;
	ZSTD_CCtx *encoder;
	ZSTD_DCtx *decoder;
	bool is_whole; /* decoding: a frame has ended, and no other has begun */
	bool is_full;  /* decoding: there was no room for all that it has */
};

static const int levels[] = {[CODING_FAST] = 1, [CODING_BALANCED] = 3, [CODING_SMALL] = 9};

/* Whether it went well; without memory nothing goes on. */
static bool is_good(size_t result)
{
	if (ZSTD_isError(result) && ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		mem_die();
	return !ZSTD_isError(result);
}

/* ---- encoding ---- */

static struct coder *encoder_open(enum coding_level level)
{
	struct zstd *zstd = mem_new(struct zstd);

	zstd->encoder = ZSTD_createCCtx();
	if (!zstd->encoder)
		mem_die();
	ZSTD_CCtx_setParameter(zstd->encoder, ZSTD_c_compressionLevel, levels[level]);
	ZSTD_CCtx_setParameter(zstd->encoder, ZSTD_c_windowLog, WINDOW_BITS);
	ZSTD_CCtx_setParameter(zstd->encoder, ZSTD_c_hashLog, TABLE_BITS);
	ZSTD_CCtx_setParameter(zstd->encoder, ZSTD_c_chainLog, TABLE_BITS);
	return &zstd->coder;
}

static bool encoder_reset(struct coder *coder)
{
	return is_good(ZSTD_CCtx_reset(((struct zstd *)coder)->encoder, ZSTD_reset_session_only));
}

static enum coder_state encoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct zstd *zstd = (struct zstd *)coder;
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->out_len, 0};
	size_t left = 1;

	while (left > 0 && out.pos < out.size) {
		left = ZSTD_compressStream2(zstd->encoder, &out, &in,
					    last ? ZSTD_e_end : ZSTD_e_flush);
		if (!is_good(left))
			return CODER_BROKEN;
	}
	*io = (struct coder_io){io->in + in.pos, io->in_len - in.pos, io->out + out.pos,
				io->out_len - out.pos};
	if (left > 0)
		return CODER_FULL;
	return last ? CODER_DONE : CODER_HUNGRY;
}

static void encoder_close(struct coder *coder)
{
	ZSTD_freeCCtx(((struct zstd *)coder)->encoder);
	free(coder);
}

const struct coder_ops zstd_encoder = {encoder_open, encoder_reset, encoder_run, encoder_close};

/* ---- decoding ---- */

static struct coder *decoder_open(enum coding_level level)
{
	struct zstd *zstd = mem_new(struct zstd);

	zstd->decoder = ZSTD_createDCtx();
	if (!zstd->decoder)
		mem_die();
	ZSTD_DCtx_setParameter(zstd->decoder, ZSTD_d_windowLogMax, MAX_WINDOW_BITS);
	return &zstd->coder;
}

/* It would keep its window. */
static bool decoder_reset(struct coder *coder)
{
	return false;
}

static enum coder_state decoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct zstd *zstd = (struct zstd *)coder;
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->out_len, 0};

	/* Asked without either, it would count that as no progress, or begin another frame. */
	while (out.pos < out.size && (in.pos < in.size || zstd->is_full)) {
		size_t left = ZSTD_decompressStream(zstd->decoder, &out, &in);

		if (!is_good(left))
			return CODER_BROKEN;
		zstd->is_whole = left == 0;
		zstd->is_full = left > 0 && out.pos == out.size;
	}
	*io = (struct coder_io){io->in + in.pos, io->in_len - in.pos, io->out + out.pos,
				io->out_len - out.pos};
	if (zstd->is_full || io->in_len > 0)
		return CODER_FULL;
	return zstd->is_whole ? CODER_DONE : CODER_HUNGRY;
}

static void decoder_close(struct coder *coder)
{
	ZSTD_freeDCtx(((struct zstd *)coder)->decoder);
	free(coder);
}

const struct coder_ops zstd_decoder = {decoder_open, decoder_reset, decoder_run, decoder_close};
