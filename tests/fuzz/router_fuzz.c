/* Fuzz target: lines of the input are rules (method, space, pattern) up to an empty line, then
 * requests. A match must be made of pieces of the path and carry the rule's own names. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "edge/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES_MAX 64

/* Takes a line, and of it the word up to the first space. False at the end. */
static bool take_line(struct str *input, struct str *word_out, struct str *rest_out)
{
	if (input->len == 0)
		return false;
	const char *newline = memchr(input->data, '\n', input->len);
	size_t len = newline ? (size_t)(newline - input->data) : input->len;
	const char *space = len ? memchr(input->data, ' ', len) : NULL;
	size_t word = space ? (size_t)(space - input->data) : 0;

	*word_out = (struct str){input->data, word};
	*rest_out =
		(struct str){input->data + word + (space ? 1 : 0), len - word - (space ? 1 : 0)};
	input->data += len + (newline ? 1 : 0);
	input->len -= len + (newline ? 1 : 0);
	return true;
}

static void check_match(const struct router_match *match, struct str path)
{
	assert(match->param_count <= ROUTER_MAX_PARAMS);
	for (size_t i = 0; i < match->param_count; i++) {
		struct router_param param = match->params[i];
		assert(param.name.len > 0);
		assert(param.value.data >= path.data);
		assert(param.value.data + param.value.len <= path.data + path.len);
	}
}

static bool add_rules(struct router *router, struct arena *arena, struct str *input)
{
	struct str method, pattern;
	unsigned count = 0;

	while (count < RULES_MAX && take_line(input, &method, &pattern)) {
		if (method.len == 0 && pattern.len == 0)
			return true;
		const char **methods = arena_zalloc(arena, 2 * sizeof(*methods));
		methods[0] = arena_strndup(arena, method);
		struct router_rule rule = {arena_strndup(arena, pattern),
					   method.len ? methods : NULL, count, (int)count};
		struct err err = {0};
		if (router_add(router, &rule, &err) != 0) {
			assert(err.text[0] != '\0');
			return false;
		}
		count++;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size};
	struct router *router = router_new();
	struct arena arena = {0};
	struct str method, path;
	struct router_match match;

	if (add_rules(router, &arena, &input)) {
		while (take_line(&input, &method, &path)) {
			switch (router_find(router, method, path, &match)) {
			case ROUTER_FOUND:
				check_match(&match, path);
				break;
			case ROUTER_METHOD_NOT_ALLOWED:
				assert(match.allow.len > 0 && match.allow.len < ROUTER_ALLOW_BYTES);
				break;
			case ROUTER_NOT_FOUND:
				break;
			}
		}
	}
	router_free(router);
	arena_deinit(&arena);
	return 0;
}
