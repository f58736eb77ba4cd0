/* The chunked transfer coding (RFC 9112, 7.1), decoded as it arrives. Pure. */
#ifndef PLUGD_NET_CHUNKED_H
#define PLUGD_NET_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "net/fault.h"

#define CHUNKED_EXTENSION_BYTES	 256u	     /* of one chunk */
#define CHUNKED_EXTENSIONS_BYTES (16u << 10) /* of all chunks of a body */
#define CHUNKED_TRAILER_BYTES	 (8u << 10)  /* of all trailers */

enum chunked_state {
	CHUNKED_SIZE_FIRST, /* zeroed: before the first digit */
	CHUNKED_SIZE,
	CHUNKED_EXTENSION,
	CHUNKED_EXTENSION_QUOTED,
	CHUNKED_EXTENSION_ESCAPED,
	CHUNKED_SIZE_LF,
	CHUNKED_DATA,
	CHUNKED_DATA_CR,
	CHUNKED_DATA_LF,
	CHUNKED_TRAILER_FIRST, /* at the beginning of a line behind the last chunk */
	CHUNKED_TRAILER_NAME,
	CHUNKED_TRAILER_VALUE,
	CHUNKED_TRAILER_LF,
	CHUNKED_END_LF,
	CHUNKED_END,
};

/* Zeroed is the beginning of a body. */
struct chunked {
	enum chunked_state state;
	uint64_t left; /* of the chunk's data; while its size is read: the size so far */
	uint32_t digits;
	uint32_t extension;
	uint32_t extensions;
	uint32_t trailer;
};

struct chunked_step {
	size_t used;	     /* bytes of the input that are dealt with */
	const uint8_t *data; /* a run of the body, in the input */
	size_t len;	     /* 0: none */
	enum fault fault;
};

/* Goes on until a run of the body, the end (state CHUNKED_END), a fault, or the end of the input.
 * Trailers are checked and dropped. Don't call it again after a fault. */
struct chunked_step chunked_next(struct chunked *chunked, const uint8_t *data, size_t len);

#endif
