/* How much each client has asked lately: a bucket of tokens for each, in a table of fixed size.
 * Pure: time and the key of its hash are arguments. */
#ifndef PLUGD_EDGE_CLIENTS_H
#define PLUGD_EDGE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/tokens.h"

struct clients;

/* For `keys` clients, 32 bytes each. Returns owned. */
struct clients *clients_new(unsigned keys, const struct siphash_key *key);
void clients_free(struct clients *clients); /* NULL is fine */

unsigned clients_keys(const struct clients *clients);

/* Takes a token of the client that has this name (any bytes) under this limit (`salt` tells one
 * limit's clients from another's). False: it has none; *wait_ms_out is when the next is there. */
bool clients_take(struct clients *clients, const void *name, size_t len, uint64_t salt,
		  struct tokens_rate rate, int64_t now_us, int64_t *wait_ms_out);

/* How many more it could take now. */
uint32_t clients_left(const struct clients *clients, const void *name, size_t len, uint64_t salt,
		      struct tokens_rate rate, int64_t now_us);

#endif
