/* Fuzz target: what a client sends. The first byte seeds the cutting: however the rest is cut into
 * pieces, the parser must say the same. What it accepts must be what it promises: tokens, clean
 * values, a normalised path. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../support/http1_transcript.h"
#include "net/chars.h"
#include "net/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits limits = {
	.header_bytes = 2048, .header_count = 16, .uri_bytes = 1024};

static size_t cut_whole(void *user, size_t n)
{
	return SIZE_MAX;
}

/* A small generator (Marsaglia, Xorshift RNGs, 2003) is enough to choose pieces of 1 to 32
 * bytes. */
static size_t cut_random(void *user, size_t n)
{
	uint32_t *seed = user;

	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return 1 + *seed % 32;
}

static void check_path(struct str path)
{
	assert(path.len > 0 && (path.data[0] == '/' || str_eq(path, STR_LITERAL("*"))));
	assert(chars_is_clean_utf8(path));
	for (size_t i = 0; i + 1 < path.len; i++) {
		struct str rest = {path.data + i, path.len - i};
		size_t dots = str_starts_with(rest, STR_LITERAL("/.."))	 ? 3
			      : str_starts_with(rest, STR_LITERAL("/.")) ? 2
									 : 0;
		assert(dots == 0 || (rest.len > dots && rest.data[dots] != '/'));
	}
}

static void check_request(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct http1 parser = {.limits = limits};
	struct http_request request = {.arena = &arena};
	struct http1_event event = http1_next(&parser, data, size, &request);

	if (event.what == HTTP1_REQUEST) {
		assert(chars_is_token(request.method) && request.field_count <= 16);
		for (size_t i = 0; i < request.field_count; i++)
			assert(http_field_is_valid(&request.fields[i]));
		assert(request.authority.len == 0 || target_is_authority(request.authority));
		check_path(request.path);
	}
	arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = {0};
	struct buf pieces = {0};

	if (size < 2)
		return 0;
	uint32_t seed = data[0] + 1u;
	data++;
	size--;
	check_request(data, size);
	http1_transcript(&whole, limits, data, size, cut_whole, NULL);
	http1_transcript(&pieces, limits, data, size, cut_random, &seed);
	assert(buf_len(&whole) == buf_len(&pieces));
	assert(buf_len(&whole) == 0 ||
	       memcmp(buf_front(&whole), buf_front(&pieces), buf_len(&whole)) == 0);
	buf_deinit(&whole);
	buf_deinit(&pieces);
	return 0;
}
