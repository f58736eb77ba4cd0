/* The body of a request on its way to the plugin, when it comes compressed and the route asks for
 * it as it was before. */
#ifndef PLUGD_EDGE_DECODER_H
#define PLUGD_EDGE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/coding.h"
#include "proto/wire.h"

/* What an operator sets for a route. */
struct decompress_opts {
	bool enabled;
	char **encodings;   /* that may come, NULL-terminated; NULL: all that we know */
	uint64_t max_bytes; /* of a decompressed body; 0: the limit of bodies */
	unsigned max_ratio; /* how many times larger it may get; 0: DECODER_RATIO */
};

#define DECODER_RATIO 100

/* Bodies that stay smaller may be as dense as they like. */
#define DECODER_FREE_BYTES (64u << 10)

/* The largest piece. */
#define DECODER_PIECE_BYTES (16u << 10)

struct decoder {
	struct coder *coder; /* NULL: the body goes on as it comes */
	unsigned max_ratio;
	uint64_t limit;
	uint64_t taken;	    /* bytes of the compressed body */
	uint64_t given;	    /* and what has become of them */
	bool has_more;	    /* the coder has more to put out */
	bool is_whole;	    /* what came so far is a whole stream */
	struct buf waiting; /* has come, and the plugin doesn't take it yet */
};

enum decoder_verdict {
	DECODER_PIECE,	/* here is some */
	DECODER_HUNGRY, /* all that came has been looked at */
	DECODER_BROKEN, /* it is not of this coding */
	DECODER_DENSE,	/* it gets more than max_ratio times larger */
	DECODER_LARGE,	/* it gets larger than the limit */
};

/* Some more of what `in` stands for, and moves `in` on. *piece_out lies in `out`, which has
 * DECODER_PIECE_BYTES. Once it is refused it stays so. */
enum decoder_verdict decoder_next(struct decoder *decoder, struct wire_bytes *in, uint8_t *out,
				  struct wire_bytes *piece_out);

/* There is something to be had without more of the body. */
bool decoder_is_behind(const struct decoder *decoder);

#endif
