/* The keys under which session tickets are sealed: a few, the newest for new tickets, the others
 * for as long as a ticket of theirs may be used. Pure: time and randomness are arguments. */
#ifndef PLUGD_NET_TICKET_KEYS_H
#define PLUGD_NET_TICKET_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_NAME_BYTES 16u
#define TICKET_KEY_BYTES  32u

/* A key is the newest for a quarter of a ticket's life, and taken for a whole one after that. */
#define TICKET_TURNS	4
#define TICKET_KEYS_MAX (TICKET_TURNS + 2)

struct ticket_secrets {
	uint8_t name[TICKET_NAME_BYTES]; /* in front of each ticket, not secret */
	uint8_t cipher[TICKET_KEY_BYTES];
	uint8_t mac[TICKET_KEY_BYTES];
};

struct ticket_key {
	struct ticket_secrets secrets;
	int64_t made_ms;
};

/* Zeroed has no key. */
struct ticket_keys {
	struct ticket_key items[TICKET_KEYS_MAX]; /* the newest first */
	unsigned count;
};

/* When a key is due next: now or earlier when there is none, or the newest is old enough. */
int64_t ticket_keys_due_ms(const struct ticket_keys *keys, int64_t life_ms);

/* A new key of these bytes. Keys that nothing can be opened with any more are wiped. */
void ticket_keys_turn(struct ticket_keys *keys, int64_t now_ms, int64_t life_ms,
		      const struct ticket_secrets *secrets);

/* For new tickets; there must be one. */
const struct ticket_secrets *ticket_keys_newest(const struct ticket_keys *keys);

/* For a ticket with this name in front; NULL: it was never a name, or its time is over. */
const struct ticket_secrets *ticket_keys_find(const struct ticket_keys *keys,
					      const uint8_t name[TICKET_NAME_BYTES], int64_t now_ms,
					      int64_t life_ms);

#endif
