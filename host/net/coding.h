/* Content codings (RFC 9110, 8.4.1): what may be done to a body between the two ends, and undone
 * again. One interface for gzip, brotli and zstd, in both directions; the libraries stay behind it.
 *
 * A coder takes bytes and gives bytes, and never more than there is room for. It touches neither
 * clock nor descriptor. */
#ifndef PLUGD_NET_CODING_H
#define PLUGD_NET_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum coding_id { CODING_GZIP, CODING_BROTLI, CODING_ZSTD, CODING_COUNT };

/* How much work a body is worth: from least CPU to least bytes. */
enum coding_level { CODING_FAST, CODING_BALANCED, CODING_SMALL };

enum coding_way { CODING_ENCODES, CODING_DECODES };

/* As in Content-Encoding: "gzip", "br", "zstd". */
struct str coding_token(enum coding_id id);

/* By its name, in any case; x-gzip is gzip. CODING_COUNT: it is none that we know. */
enum coding_id coding_find(struct str token);

/* ---- one stream ---- */

/* What is left of both sides; coder_run() moves them on. */
struct coder_io {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

enum coder_state {
	CODER_HUNGRY, /* all that came is taken, and all that could be told of it is out */
	CODER_FULL,   /* there is more to put out: again, with more room */
	CODER_DONE,   /* the same as hungry, and what is out is whole */
	CODER_BROKEN, /* decoding: it is not of this coding, or goes on after its end */
};

struct coder;

/* Encoding: everything that comes is put out so that the other side can read it; `last`: and the
 * stream ends. Decoding: `last` means nothing; a stream may be several, one after the other, where
 * its format says so (gzip, zstd). While CODER_FULL come again with the same `last`. */
enum coder_state coder_run(struct coder *coder, struct coder_io *io, bool last);

/* ---- those that are there ---- */

/* Coders that wait for their next stream, so that not each stream has to set one up. */
struct coders;

struct coders *coders_new(void);	 /* returns owned */
void coders_free(struct coders *coders); /* all must have been given back; NULL is fine */

/* One at the beginning of a stream; never NULL. `level` counts for encoding. */
struct coder *coders_take(struct coders *coders, enum coding_id id, enum coding_way way,
			  enum coding_level level);

/* Wherever its stream is; NULL is fine. */
void coders_give(struct coders *coders, struct coder *coder);

#endif
