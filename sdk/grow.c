/* A growing run of bytes. Used for messages that arrive in pieces, headers of answers, and what
 * waits to be written. Never aborts: no memory is an answer. */
#include "sdk/grow.h"

#include <stdlib.h>
#include <string.h>

#define GROW_FIRST_BYTES 256

void grow_deinit(struct grow *grow)
{
	free(grow->data);
	*grow = (struct grow){0};
}

uint8_t *grow_reserve(struct grow *grow, size_t bytes)
{
	size_t cap = grow->cap > 0 ? grow->cap : GROW_FIRST_BYTES;
	uint8_t *data;

	if (grow->cap - grow->len >= bytes && grow->data != NULL)
		return grow->data + grow->len;
	if (bytes > SIZE_MAX / 4 - grow->len)
		return NULL;
	while (cap < grow->len + bytes)
		cap *= 2;
	data = realloc(grow->data, cap);
	if (data == NULL)
		return NULL;
	grow->data = data;
	grow->cap = cap;
	return data + grow->len;
}

bool grow_append(struct grow *grow, const void *data, size_t len)
{
	uint8_t *to = grow_reserve(grow, len);

	if (to == NULL)
		return false;
	if (len > 0)
		memcpy(to, data, len);
	grow->len += len;
	return true;
}
