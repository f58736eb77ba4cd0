/* Fuzz target: the fields of an HTTP/2 request, one a line, a NUL between name and value. What is
 * accepted must be what message.h promises. (Frames and HPACK are nghttp2's, and fuzzed there.) */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/http2_head.h"
#include "net/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http2_head_limits limits = {.bytes = 2048, .count = 16, .path_bytes = 512};

static void add_line(struct http2_head *head, struct arena *arena, struct str line)
{
	const char *zero = memchr(line.data, '\0', line.len);
	size_t name = zero ? (size_t)(zero - line.data) : line.len;
	size_t value = zero ? name + 1 : line.len;

	http2_head_add(head, arena, &limits, (struct str){line.data, name},
		       (struct str){line.data + value, line.len - value});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct http_request request = {.arena = &arena};
	struct http2_head head = {0};
	struct str rest = {(const char *)data, size};

	while (rest.len > 0) {
		const char *end = memchr(rest.data, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.data) : rest.len;
		size_t used = end ? len + 1 : len;

		add_line(&head, &arena, (struct str){rest.data, len});
		rest = (struct str){rest.data + used, rest.len - used};
	}
	if (http2_head_finish(&head, size % 2 == 0, &request) == FAULT_NONE) {
		unsigned hosts = 0;

		for (size_t i = 0; i < request.field_count; i++)
			hosts += str_eq(request.fields[i].name, STR_LITERAL("host"));
		assert(hosts == 1 && request.field_count <= limits.count + 1);
		assert(request.authority.len == 0 || target_is_authority(request.authority));
		assert(request.path.len > 0 && request.version == 20);
	}
	arena_deinit(&arena);
	return 0;
}
