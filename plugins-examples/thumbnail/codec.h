/* What a format of images is to the plugin: a table of functions. A decoder is fed a body piece by
 * piece, shrinks it row by row, and has the thumbnail at the end. Whatever fails is told in a
 * fault, once. */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shrink.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_BROKEN,	   /* the image is corrupt, or ends too early */
	FAULT_TOO_LARGE,   /* it breaks a limit */
	FAULT_UNSUPPORTED, /* it may be fine, but it is nothing for us */
	FAULT_NO_MEMORY,
};

struct fault {
	enum fault_kind kind;
	char text[200]; /* for whoever sent the image */
};

/* Keeps the first that is told: what follows is only its consequence. */
void fault_tell(struct fault *fault, enum fault_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the image keeps to the limits that every format has; otherwise a fault was told. `whole`:
 * it cannot be decoded row by row, so that all its pixels must be kept. */
bool extent_check(struct extent image, bool whole, struct fault *fault);

/* Bytes from malloc(). */
struct encoded {
	void *data;
	size_t len;
};

struct codec {
	const char *content_type;
	const char *signature; /* what its files begin with: CODEC_SIGNATURE_BYTES */
	/* A decoder for a thumbnail of side x side. The fault is borrowed until close(). NULL: no
	 * memory, and that is told. */
	void *(*open)(uint32_t side, struct fault *fault);
	/* The next bytes. False: the fault is told, and only close() may follow. */
	bool (*feed)(void *decoder, const void *data, size_t len);
	/* No more bytes come: the thumbnail, valid until close(). NULL: the fault is told. */
	const struct picture *(*finish)(void *decoder);
	void (*close)(void *decoder);
	/* Returns owned: free(data). False: the fault is told. */
	bool (*encode)(const struct picture *picture, struct encoded *encoded_out,
		       struct fault *fault);
};

#define CODEC_SIGNATURE_BYTES 3

#endif
