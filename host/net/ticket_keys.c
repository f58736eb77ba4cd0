/* Keys of session tickets. A ticket is as good as the key that it is sealed with, and who gets hold
 * of the key can read what was recorded of every session that a ticket of it resumed, so keys don't
 * live longer than they must. tls_tickets.c keeps them and turns them. */
#include "net/ticket_keys.h"

#include <assert.h>
#include <string.h>

/* From then on nothing may be opened with it. */
static int64_t end_ms(const struct ticket_key *key, int64_t life_ms)
{
	return key->made_ms + life_ms + life_ms / TICKET_TURNS;
}

int64_t ticket_keys_due_ms(const struct ticket_keys *keys, int64_t life_ms)
{
	return keys->count == 0 ? INT64_MIN : keys->items[0].made_ms + life_ms / TICKET_TURNS;
}

static void drop_last(struct ticket_keys *keys)
{
	keys->count--;
	explicit_bzero(&keys->items[keys->count], sizeof(keys->items[0]));
}

void ticket_keys_turn(struct ticket_keys *keys, int64_t now_ms, int64_t life_ms,
		      const struct ticket_secrets *secrets)
{
	while (keys->count > 0 && now_ms >= end_ms(&keys->items[keys->count - 1], life_ms))
		drop_last(keys);
	if (keys->count == TICKET_KEYS_MAX)
		drop_last(keys);
	memmove(&keys->items[1], &keys->items[0], keys->count * sizeof(keys->items[0]));
	keys->items[0] = (struct ticket_key){*secrets, now_ms};
	keys->count++;
}

const struct ticket_secrets *ticket_keys_newest(const struct ticket_keys *keys)
{
	assert(keys->count > 0);
	return &keys->items[0].secrets;
}

const struct ticket_secrets *ticket_keys_find(const struct ticket_keys *keys,
					      const uint8_t name[TICKET_NAME_BYTES], int64_t now_ms,
					      int64_t life_ms)
{
	for (unsigned i = 0; i < keys->count; i++) {
		const struct ticket_key *key = &keys->items[i];

		if (memcmp(key->secrets.name, name, TICKET_NAME_BYTES) == 0)
			return now_ms < end_ms(key, life_ms) ? &key->secrets : NULL;
	}
	return NULL;
}
