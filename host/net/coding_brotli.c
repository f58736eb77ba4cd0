/* brotli (RFC 7932) behind the interface of codings; the door to libbrotli. Called by coding.c.
 *
 * Encoding has a window of 64 KiB, in 0.2 to 1.2 MiB of memory. The library can't begin a second
 * stream with what it has, so no coder waits for another one. A stream is one, and what follows it
 * is refused. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/coding_private.h"

#define WINDOW_BITS 16

struct brotli {
	struct coder coder;
	BrotliEncoderState *encoder;
	BrotliDecoderState *decoder;
};

static const uint32_t qualities[] = {[CODING_FAST] = 1, [CODING_BALANCED] = 3, [CODING_SMALL] = 6};

static void *allocate(void *user, size_t bytes)
{
	return mem_alloc(bytes);
}

static void release(void *user, void *memory)
{
	free(memory);
}

static bool cannot_reset(struct coder *coder)
{
	return false;
}

/* ---- encoding ---- */

static struct coder *encoder_open(enum coding_level level)
{
	struct brotli *brotli = mem_new(struct brotli);

	brotli->encoder = BrotliEncoderCreateInstance(allocate, release, NULL);
	if (!brotli->encoder)
		mem_die();
	BrotliEncoderSetParameter(brotli->encoder, BROTLI_PARAM_QUALITY, qualities[level]);
	BrotliEncoderSetParameter(brotli->encoder, BROTLI_PARAM_LGWIN, WINDOW_BITS);
	BrotliEncoderSetParameter(brotli->encoder, BROTLI_PARAM_LGBLOCK, WINDOW_BITS);
	return &brotli->coder;
}

static enum coder_state encoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct brotli *brotli = (struct brotli *)coder;
	BrotliEncoderOperation what = last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;

	do {
		if (!BrotliEncoderCompressStream(brotli->encoder, what, &io->in_len, &io->in,
						 &io->out_len, &io->out, NULL))
			return CODER_BROKEN;
		if (BrotliEncoderIsFinished(brotli->encoder))
			return CODER_DONE;
		if (io->out_len == 0)
			return CODER_FULL;
	} while (io->in_len > 0 || BrotliEncoderHasMoreOutput(brotli->encoder));
	return CODER_HUNGRY;
}

static void encoder_close(struct coder *coder)
{
	BrotliEncoderDestroyInstance(((struct brotli *)coder)->encoder);
	free(coder);
}

const struct coder_ops brotli_encoder = {encoder_open, cannot_reset, encoder_run, encoder_close};

/* ---- decoding ---- */

static struct coder *decoder_open(enum coding_level level)
{
	struct brotli *brotli = mem_new(struct brotli);

	brotli->decoder = BrotliDecoderCreateInstance(allocate, release, NULL);
	if (!brotli->decoder)
		mem_die();
	return &brotli->coder;
}

static enum coder_state decoder_run(struct coder *coder, struct coder_io *io, bool last)
{
	struct brotli *brotli = (struct brotli *)coder;
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_SUCCESS;

	if (!BrotliDecoderIsFinished(brotli->decoder))
		result = BrotliDecoderDecompressStream(brotli->decoder, &io->in_len, &io->in,
						       &io->out_len, &io->out, NULL);
	switch (result) {
	case BROTLI_DECODER_RESULT_SUCCESS:
		return io->in_len > 0 ? CODER_BROKEN : CODER_DONE;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
		return CODER_HUNGRY;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
		return CODER_FULL;
	case BROTLI_DECODER_RESULT_ERROR:
		break;
	}
	return CODER_BROKEN;
}

static void decoder_close(struct coder *coder)
{
	BrotliDecoderDestroyInstance(((struct brotli *)coder)->decoder);
	free(coder);
}

const struct coder_ops brotli_decoder = {decoder_open, cannot_reset, decoder_run, decoder_close};
