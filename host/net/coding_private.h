/* What the codings share with the table that names them (coding.c). Nobody else includes it. */
#ifndef PLUGD_NET_CODING_PRIVATE_H
#define PLUGD_NET_CODING_PRIVATE_H

#include "net/coding.h"

struct coder_ops {
	struct coder *(*open)(enum coding_level level); /* returns owned, never NULL */
	bool (*reset)(struct coder *coder);		/* false: it can't begin again; free it */
	enum coder_state (*run)(struct coder *coder, struct coder_io *io, bool last);
	void (*close)(struct coder *coder);
};

/* Embedded first. coding.c fills it in. */
struct coder {
	const struct coder_ops *ops;
	enum coding_id id;
	enum coding_way way;
	enum coding_level level;
	struct coder *next; /* of those that wait */
};

extern const struct coder_ops gzip_encoder, gzip_decoder;
extern const struct coder_ops brotli_encoder, brotli_decoder;
extern const struct coder_ops zstd_encoder, zstd_decoder;

#endif
