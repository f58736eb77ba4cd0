/* The body of a request on its way to the plugin, when it comes compressed.
 *
 * A step gives one piece, so whoever asks can stop when the plugin takes no more: however much a
 * few bytes stand for, memory holds one piece of it. The limits are looked at before a piece is
 * given out. The bridge calls it; the coder is one of the edge's and goes back with the
 * exchange. */
#include "edge/decoder.h"

static enum decoder_verdict judge(const struct decoder *decoder)
{
	if (decoder->given > decoder->limit)
		return DECODER_LARGE;
	if (decoder->given > DECODER_FREE_BYTES &&
	    decoder->given / decoder->max_ratio > decoder->taken)
		return DECODER_DENSE;
	return DECODER_PIECE;
}

enum decoder_verdict decoder_next(struct decoder *decoder, struct wire_bytes *in, uint8_t *out,
				  struct wire_bytes *piece_out)
{
	struct coder_io io = {in->data, in->len, out, DECODER_PIECE_BYTES};
	enum coder_state state;

	if (in->len == 0 && !decoder->has_more)
		return DECODER_HUNGRY;
	state = coder_run(decoder->coder, &io, false);
	if (state == CODER_BROKEN)
		return DECODER_BROKEN;
	decoder->has_more = state == CODER_FULL;
	decoder->is_whole = state == CODER_DONE;
	decoder->taken += in->len - io.in_len;
	*in = (struct wire_bytes){io.in, io.in_len};
	*piece_out = (struct wire_bytes){out, DECODER_PIECE_BYTES - io.out_len};
	decoder->given += piece_out->len;
	return piece_out->len > 0 ? judge(decoder) : DECODER_HUNGRY;
}

bool decoder_is_behind(const struct decoder *decoder)
{
	return decoder->has_more || buf_len(&decoder->waiting) > 0;
}
