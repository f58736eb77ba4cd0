/* Fuzz target: lines of the input are rules up to an empty line, then requests. Both look like
 * "GET https:a.example/x", with nothing, a host, a scheme and ':', or both in front of the pattern
 * or path. A match must be made of pieces of the path and carry the rule's own names, and it must
 * be the one that the rules say one by one. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "edge/router.h"
#include "edge/router_explain.h"

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

/* Takes "https:" and "a.example" off what stands in front of the first slash. */
static void take_place(struct str *text, struct str *scheme_out, struct str *host_out)
{
	const char *slash = text->len ? memchr(text->data, '/', text->len) : NULL;
	size_t len = slash ? (size_t)(slash - text->data) : 0;
	const char *colon = len ? memchr(text->data, ':', len) : NULL;
	size_t scheme = colon ? (size_t)(colon - text->data) : 0;
	size_t begin = scheme + (colon ? 1 : 0);

	*scheme_out = (struct str){text->data, scheme};
	*host_out = (struct str){text->data + begin, len - begin};
	text->data += len;
	text->len -= len;
}

/* NULL for an empty text, else a list of it alone. In the arena. */
static const char *const *list_of(struct arena *arena, struct str text)
{
	const char **list = arena_zalloc(arena, 2 * sizeof(*list));

	list[0] = arena_strndup(arena, text);
	return text.len ? list : NULL;
}

/* The number of rules; 0 when one was refused. */
static unsigned add_rules(struct router *router, struct arena *arena, struct str *input,
			  struct router_rule *rules)
{
	struct str method, pattern, scheme, host;
	unsigned count = 0;

	while (count < RULES_MAX && take_line(input, &method, &pattern)) {
		struct err err = {0};

		if (method.len == 0 && pattern.len == 0)
			return count;
		take_place(&pattern, &scheme, &host);
		rules[count] = (struct router_rule){.pattern = arena_strndup(arena, pattern),
						    .methods = list_of(arena, method),
						    .hosts = list_of(arena, host),
						    .scheme = router_scheme_of(scheme),
						    .id = count,
						    .line = (int)count};
		if (router_add(router, &rules[count], &err) != 0) {
			assert(err.text[0] != '\0');
			return 0;
		}
		count++;
	}
	return count;
}

static void check_opinion(const struct router_rule *rules, unsigned count,
			  const struct router_request *request, enum router_verdict verdict,
			  const struct router_match *match)
{
	struct router_candidate candidates[RULES_MAX];
	size_t found = router_explain(rules, count, request, candidates);
	bool has_other_method = false;

	for (size_t i = 0; i < found; i++)
		has_other_method |= candidates[i].fate == FATE_OTHER_METHOD;
	switch (verdict) {
	case ROUTER_FOUND:
		assert(found > 0 && candidates[0].fate == FATE_WINS);
		assert(candidates[0].index == match->id);
		break;
	case ROUTER_METHOD_NOT_ALLOWED:
		assert(match->allow.len > 0 && match->allow.len < ROUTER_ALLOW_BYTES);
		assert(has_other_method && candidates[0].fate != FATE_WINS);
		break;
	case ROUTER_NOT_FOUND:
		assert(!has_other_method && (found == 0 || candidates[0].fate != FATE_WINS));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size};
	struct router *router = router_new();
	struct router_rule rules[RULES_MAX];
	struct arena arena = {0};
	struct router_request request;
	struct router_match match;
	enum router_verdict verdict;
	unsigned count = add_rules(router, &arena, &input, rules);

	while (count > 0 && take_line(&input, &request.method, &request.path)) {
		take_place(&request.path, &request.scheme, &request.authority);
		verdict = router_find(router, &request, &match);
		if (verdict == ROUTER_FOUND)
			check_match(&match, request.path);
		check_opinion(rules, count, &request, verdict, &match);
	}
	router_free(router);
	arena_deinit(&arena);
	return 0;
}
