/* SHA-256, as FIPS 180-4 describes it. Our own, because libplug.a needs nothing but libc, and must
 * not pull a TLS library into every plugin for one checksum per swap: no secret depends on it.
 * Called by export.c and import.c. Pure; cannot fail. */
#include "sdk/sha256.h"

#include <string.h>

#define ROUNDS	    64
#define LENGTH_AT   (SHA256_BLOCK_BYTES - 8) /* of the message, in bits, ends the last block */
#define PADDING_BIT 0x80

/* 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate_right(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

static uint32_t word_get(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void word_put(uint8_t *at, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* 6.2.2, step 1. */
static void schedule_fill(uint32_t schedule[ROUNDS], const uint8_t *block)
{
	for (int t = 0; t < 16; t++)
		schedule[t] = word_get(block + 4 * (size_t)t);
	for (int t = 16; t < ROUNDS; t++) {
		uint32_t w2 = schedule[t - 2];
		uint32_t w15 = schedule[t - 15];
		uint32_t s1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ w2 >> 10;
		uint32_t s0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ w15 >> 3;

		schedule[t] = s1 + schedule[t - 7] + s0 + schedule[t - 16];
	}
}

/* 6.2.2, step 3: one round over the working variables a to h, which are v[0] to v[7]. */
static void round_run(uint32_t v[8], uint32_t constant, uint32_t word)
{
	uint32_t sum1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
	uint32_t sum0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
	uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
	uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
	uint32_t t1 = v[7] + sum1 + choice + constant + word;
	uint32_t t2 = sum0 + majority;

	memmove(v + 1, v, 7 * sizeof(*v));
	v[4] += t1;
	v[0] = t1 + t2;
}

static void block_add(struct sha256 *sha, const uint8_t *block)
{
	uint32_t schedule[ROUNDS];
	uint32_t v[8];

	schedule_fill(schedule, block);
	memcpy(v, sha->hash, sizeof(v));
	for (int t = 0; t < ROUNDS; t++)
		round_run(v, round_constants[t], schedule[t]);
	for (int i = 0; i < 8; i++)
		sha->hash[i] += v[i];
}

/* 5.3.3: the first 32 bits of the fractional parts of the square roots of the first 8 primes. */
void sha256_init(struct sha256 *sha)
{
	*sha = (struct sha256){
		.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
			 0x1f83d9ab, 0x5be0cd19},
	};
}

void sha256_add(struct sha256 *sha, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		size_t filled = sha->bytes % SHA256_BLOCK_BYTES;
		size_t part = SHA256_BLOCK_BYTES - filled;

		if (part > len)
			part = len;
		if (part == SHA256_BLOCK_BYTES) {
			block_add(sha, at); /* where it lies */
		} else {
			memcpy(sha->block + filled, at, part);
			if (filled + part == SHA256_BLOCK_BYTES)
				block_add(sha, sha->block);
		}
		sha->bytes += part;
		at += part;
		len -= part;
	}
}

/* 5.1.1: a one, zeros up to the length in the last 8 bytes of a block, and the length in bits. */
void sha256_end(struct sha256 *sha, uint8_t digest_out[SHA256_BYTES])
{
	uint64_t bits = sha->bytes * 8;
	size_t filled = sha->bytes % SHA256_BLOCK_BYTES;

	sha->block[filled++] = PADDING_BIT;
	memset(sha->block + filled, 0, SHA256_BLOCK_BYTES - filled);
	if (filled > LENGTH_AT) {
		block_add(sha, sha->block);
		memset(sha->block, 0, LENGTH_AT);
	}
	word_put(sha->block + LENGTH_AT, (uint32_t)(bits >> 32));
	word_put(sha->block + LENGTH_AT + 4, (uint32_t)bits);
	block_add(sha, sha->block);
	for (size_t i = 0; i < 8; i++)
		word_put(digest_out + 4 * i, sha->hash[i]);
}
