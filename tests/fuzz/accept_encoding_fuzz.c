/* Any bytes as Accept-Encoding: what is chosen is among what is offered, was not refused, and is
 * the same however the list is split into fields. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/accept_encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum coding_id order[] = {CODING_ZSTD, CODING_GZIP, CODING_BROTLI};

/* Each element as a field of its own. */
static void add_apart(struct accept_encoding *accept, struct str value)
{
	while (value.len > 0) {
		const char *comma = memchr(value.data, ',', value.len);
		size_t len = comma ? (size_t)(comma - value.data) : value.len;

		accept_encoding_add(accept, (struct str){value.data, len});
		len += comma != NULL;
		value = (struct str){value.data + len, value.len - len};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = {(const char *)data, size};
	struct accept_encoding whole, apart;
	size_t count = size > 0 ? data[0] % 4 : 0;
	enum coding_id id;

	accept_encoding_init(&whole);
	accept_encoding_init(&apart);
	accept_encoding_add(&whole, value);
	add_apart(&apart, value);
	assert(memcmp(whole.weight, apart.weight, sizeof(whole.weight)) == 0);
	assert(whole.identity == apart.identity && whole.star == apart.star);
	id = accept_encoding_choose(&whole, order, count);
	assert(id == CODING_COUNT || (whole.weight[id] != 0 && whole.weight[id] <= 1000));
	assert(id == CODING_COUNT || whole.weight[id] > 0 || whole.star > 0);
	if (accept_encoding_needs_one(&whole))
		assert(whole.identity == 0 || whole.star == 0);
	return 0;
}
