/* Any bytes as the value of a header that sets a deadline: it is a time that is not negative, or it
 * is refused by name. The first byte chooses the header. */
#include <assert.h>
#include <stdint.h>

#include "edge/deadline_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str names[] = {
		{"x-request-timeout", 17}, {"grpc-timeout", 12}, {"connect-timeout-ms", 18}};
	struct http_field fields[2];
	const struct http_field *wrong = NULL;
	int64_t ms, both_ms;

	if (size == 0)
		return 0;
	fields[0] = (struct http_field){names[data[0] % 3], {(const char *)data + 1, size - 1}};
	fields[1] = (struct http_field){names[2], {"100", 3}};
	if (!deadline_header_find(fields, 1, &ms, &wrong)) {
		assert(wrong == &fields[0]);
		return 0;
	}
	assert(ms >= 0 && ms < DEADLINE_HEADER_NONE);
	assert(deadline_header_find(fields, 2, &both_ms, &wrong));
	assert(both_ms == (ms < 100 ? ms : 100));
	return 0;
}
