/* Any bytes as the system's list of libraries: a search ends, and what it finds is inside. */
#include <assert.h>
#include <stdint.h>

#include "trust/ld_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = {(const char *)data, size};
	struct str path;
	size_t at = 0;
	size_t rounds = 0;

	do {
		path = ld_cache_next(bytes, STR_LITERAL("libc.so.6"), &at);
		assert(path.len == 0 ||
		       (path.data >= bytes.data && path.data + path.len < bytes.data + bytes.len));
	} while (path.len > 0 && ++rounds < size);
	return 0;
}
