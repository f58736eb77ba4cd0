/* Any bytes as the beginning of a connection: a header is whole, and the same whatever follows it;
 * what is none is refused with a reason; and what wants more has less than a header may have. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header, again;

	switch (proxy_header_read(data, size, &header)) {
	case PROXY_HEADER_MORE:
		assert(size < PROXY_HEADER_MAX && !header.wrong);
		break;
	case PROXY_HEADER_BAD:
		assert(header.wrong);
		break;
	case PROXY_HEADER_DONE:
		assert(header.bytes <= size && header.bytes <= PROXY_HEADER_MAX);
		assert(header.client.kind != IP_UNIX && header.port <= UINT16_MAX);
		assert(proxy_header_read(data, header.bytes, &again) == PROXY_HEADER_DONE);
		assert(memcmp(&header.client, &again.client, sizeof(again.client)) == 0);
		assert(proxy_header_read(data, header.bytes - 1, &again) == PROXY_HEADER_MORE);
		break;
	}
	return 0;
}
