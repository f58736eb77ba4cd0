/* Any bytes as what proxies say: a client is found or the fields are refused, and whoever is
 * trusted has said so himself. The first byte chooses the way. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "edge/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str text, const uint8_t *data, size_t size)
{
	const uint8_t *at = (const uint8_t *)text.data;

	assert(text.len == 0 || (at >= data && at + text.len <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str names[] = {{"x-forwarded-for", 15}, {"forwarded", 9}};
	char network[] = "10.0.0.0/8";
	char *networks[] = {network, NULL};
	struct cidr_list trusted;
	struct forwarded got;
	struct ip peer;
	unsigned by = size > 0 ? data[0] % 2 : 0;

	if (size == 0)
		return 0;
	struct str value = {(const char *)data + 1, size - 1};
	struct http_field fields[] = {{names[by], value},
				      {{"x-forwarded-proto", 17}, value},
				      {{"x-forwarded-host", 16}, value}};
	cidr_list_init(&trusted, networks);
	ip_parse(STR_LITERAL("10.0.0.1"), &peer);
	if (!forwarded_read((enum forwarded_by)by, fields, by ? 1 : 3, &peer, &trusted, &got)) {
		assert(got.client.kind != IP_UNIX && got.port <= 65535);
		check_text(got.scheme, data, size);
		check_text(got.host, data, size);
	}
	forwarded_is_claim(value);
	cidr_list_deinit(&trusted);
	return 0;
}
