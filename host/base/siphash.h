/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash whose values nobody can predict or make
 * collide without its key. For tables whose keys strangers choose. Pure. */
#ifndef PLUGD_BASE_SIPHASH_H
#define PLUGD_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

#endif
