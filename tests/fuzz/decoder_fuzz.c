/* Any bytes as a compressed body: each piece and all of them together keep to the limits, and how
 * the body is cut makes no difference to what comes out or to how it ends (but for a ratio at its
 * very limit: how far a library has read ahead when it gives something out is its own affair). The
 * first byte chooses the coding, the second one where it is cut. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "edge/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 200000
#define RATIO 50

struct result {
	enum decoder_verdict verdict;
	bool is_whole;
	uint64_t given;
	uint32_t sum; /* of the bytes */
};

static enum decoder_verdict take(struct decoder *decoder, struct wire_bytes in,
				 struct result *result)
{
	uint8_t out[DECODER_PIECE_BYTES];
	struct wire_bytes piece;
	enum decoder_verdict verdict;

	while ((verdict = decoder_next(decoder, &in, out, &piece)) == DECODER_PIECE) {
		assert(piece.len > 0 && piece.len <= sizeof(out) && piece.data == out);
		for (size_t i = 0; i < piece.len; i++)
			result->sum = result->sum * 31 + piece.data[i];
		result->given += piece.len;
		assert(result->given <= LIMIT);
	}
	assert(verdict != DECODER_HUNGRY || (in.len == 0 && !decoder->has_more));
	return verdict;
}

static struct result decode(struct coders *coders, enum coding_id id, const uint8_t *data,
			    size_t size, size_t cut)
{
	struct decoder decoder = {.coder = coders_take(coders, id, CODING_DECODES, CODING_BALANCED),
				  .max_ratio = RATIO,
				  .limit = LIMIT};
	struct result result = {.verdict = DECODER_HUNGRY};

	for (size_t at = 0; at < size && result.verdict == DECODER_HUNGRY; at += cut) {
		size_t len = size - at < cut ? size - at : cut;

		result.verdict = take(&decoder, (struct wire_bytes){data + at, len}, &result);
	}
	result.is_whole = result.verdict == DECODER_HUNGRY && decoder.is_whole;
	coders_give(coders, decoder.coder);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct coders *coders;
	struct result whole, cut;
	enum coding_id id;

	if (size < 3)
		return 0;
	id = (enum coding_id)(data[0] % CODING_COUNT);
	coders = coders_new();
	whole = decode(coders, id, data + 2, size - 2, size);
	cut = decode(coders, id, data + 2, size - 2, data[1] + 1u);
	if (whole.verdict != DECODER_DENSE && cut.verdict != DECODER_DENSE)
		assert(whole.is_whole == cut.is_whole);
	if (whole.is_whole && cut.is_whole)
		assert(whole.given == cut.given && whole.sum == cut.sum);
	coders_free(coders);
	return 0;
}
