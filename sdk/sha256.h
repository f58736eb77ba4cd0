/* SHA-256 of bytes that come in pieces. */
#ifndef PLUG_SHA256_H
#define PLUG_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES	   32
#define SHA256_BLOCK_BYTES 64

struct sha256 {
	uint32_t hash[8];
	uint64_t bytes; /* added so far */
	uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t len);

/* The digest of all that was added. Nothing can be added after it. */
void sha256_end(struct sha256 *sha, uint8_t digest_out[SHA256_BYTES]);

#endif
