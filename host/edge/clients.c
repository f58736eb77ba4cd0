/* A bucket for each client, in bounded memory. mw_rate.c owns one and calls it.
 *
 * The table is sets of eight places. A client's set follows from a keyed hash of its name, so
 * nobody can choose whose set he gets into; 64 bits of hash stand for the name. When a set is full,
 * the newcomer takes the place of the client that would be the first to have a full bucket again,
 * and takes over what that one has missing. So
 *
 *   - a bucket that is full again, of which nothing need be remembered, goes first and costs nobody
 *     anything: at the usual load that is all that ever happens;
 *   - who has used up most is remembered longest, whoever comes;
 *   - many addresses don't help to get a fresh bucket over and over: what a set lets through is
 *     bounded by eight buckets, however many clients share it. An honest client may meet another's
 *     debt then, but only the least one of eight. */
#include "edge/clients.h"

#include <stdlib.h>

#include "base/mem.h"

#define WAYS 8u

struct place {
	uint64_t hash; /* 0: nobody's */
	struct tokens tokens;
	struct tokens_rate rate; /* that its tokens come back at */
};

struct clients {
	struct siphash_key key;
	struct place *places;
	size_t sets;
	unsigned keys;
};

struct clients *clients_new(unsigned keys, const struct siphash_key *key)
{
	struct clients *clients = mem_new(struct clients);

	clients->key = *key;
	clients->keys = keys;
	clients->sets = (keys + WAYS - 1) / WAYS;
	clients->places = mem_array(clients->sets * WAYS, sizeof(*clients->places));
	return clients;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	free(clients->places);
	free(clients);
}

unsigned clients_keys(const struct clients *clients)
{
	return clients->keys;
}

/* When its bucket is full again; nobody's place is. */
static int64_t full_after_us(const struct place *place, int64_t now_us)
{
	return place->hash ? tokens_full_after_us(&place->tokens, place->rate, now_us) : 0;
}

/* The client's place, or the one that it takes over. */
static struct place *find(struct clients *clients, uint64_t hash, struct tokens_rate rate,
			  int64_t now_us)
{
	struct place *set = &clients->places[hash % clients->sets * WAYS];
	struct place *best = &set[0];
	int64_t best_us = INT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		int64_t us;

		if (set[i].hash == hash)
			return &set[i];
		us = full_after_us(&set[i], now_us);
		if (us < best_us) {
			best = &set[i];
			best_us = us;
		}
	}
	*best = (struct place){.hash = hash, .rate = rate};
	tokens_owe(&best->tokens, rate, best_us, now_us);
	return best;
}

static uint64_t hash_of(const struct clients *clients, const void *name, size_t len, uint64_t salt)
{
	uint64_t parts[2] = {salt, siphash(&clients->key, name, len)};
	uint64_t hash = siphash(&clients->key, parts, sizeof(parts));

	return hash ? hash : 1;
}

uint32_t clients_left(const struct clients *clients, const void *name, size_t len, uint64_t salt,
		      struct tokens_rate rate, int64_t now_us)
{
	uint64_t hash = hash_of(clients, name, len, salt);
	const struct place *set = &clients->places[hash % clients->sets * WAYS];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash)
			return tokens_left(&set[i].tokens, rate, now_us);
	}
	return rate.burst;
}

bool clients_take(struct clients *clients, const void *name, size_t len, uint64_t salt,
		  struct tokens_rate rate, int64_t now_us, int64_t *wait_ms_out)
{
	uint64_t hash = hash_of(clients, name, len, salt);
	struct place *place = find(clients, hash, rate, now_us);

	place->rate = rate;
	return tokens_take(&place->tokens, rate, now_us, wait_ms_out);
}
