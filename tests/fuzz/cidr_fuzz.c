/* Any bytes as a network and as a client's address: a network has its own first address, and what
 * is written of an address is read as the same one. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct cidr cidr;
	struct ip ip, again;
	unsigned port, port_again;
	char peer[IP_TEXT];

	if (!cidr_parse(text, &cidr)) {
		assert(cidr.bits <= 128 && (cidr.base.kind != IP_V4 || cidr.bits >= 96));
		assert(cidr_has(&cidr, &cidr.base));
	}
	if (ip_parse_node(text, &ip, &port)) {
		ip_format_peer(&ip, port, peer);
		assert(ip_parse_node(str_from(peer), &again, &port_again));
		assert(memcmp(&ip, &again, sizeof(ip)) == 0 && port == port_again);
	}
	return 0;
}
