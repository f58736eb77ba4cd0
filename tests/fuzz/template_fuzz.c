/* Fuzz target: the first line is 'L' or 'P' (a location or a path) and a route's pattern, the
 * second a template, the third the path of a request. What comes out of a location can be sent, and
 * leads to no other host than the template says. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "edge/router.h"
#include "edge/template.h"
#include "net/chars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Terminated, in the arena. */
static const char *take_line(struct arena *arena, struct str *input)
{
	const char *newline = input->len ? memchr(input->data, '\n', input->len) : NULL;
	size_t len = newline ? (size_t)(newline - input->data) : input->len;
	const char *line = arena_strndup(arena, (struct str){input->data, len});

	input->data += len + (newline ? 1 : 0);
	input->len -= len + (newline ? 1 : 0);
	return line;
}

static void check_location(const struct template *template, struct str location)
{
	assert(location.len > 0 && chars_is_target(location));
	if (template->is_absolute)
		assert(str_starts_with(location, STR_LITERAL("http://")) ||
		       str_starts_with(location, STR_LITERAL("https://")));
	else
		assert(location.data[0] == '/' &&
		       (location.len == 1 || !strchr("/\\", location.data[1])));
}

/* The params that the route's pattern captures of the path, if it matches. */
static bool match(const char *pattern, const char *path, struct router_match *out)
{
	struct router *router = router_new();
	struct router_request request = {.method = STR_LITERAL("GET"), .path = str_from(path)};
	bool found = router_add(router, &(struct router_rule){.pattern = pattern}, NULL) == 0 &&
		     router_find(router, &request, out) == ROUTER_FOUND;

	router_free(router);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size};
	struct arena arena = {0};
	const char *first = take_line(&arena, &input);
	const char *text = take_line(&arena, &input);
	const char *path = take_line(&arena, &input);
	enum template_use use = first[0] == 'L' ? TEMPLATE_LOCATION : TEMPLATE_PATH;
	struct template template;
	struct pattern pattern;
	struct router_match params;

	if (first[0] && match(first + 1, path, &params) && !pattern_fault(&pattern, first + 1) &&
	    !template_parse(&template, &arena, use, text, &pattern)) {
		struct template_facts facts = {STR_LITERAL("https"), STR_LITERAL("a.example"),
					       str_from(path), params.params};
		struct str out = template_expand(&template, &facts, &arena);

		if (use == TEMPLATE_LOCATION)
			check_location(&template, out);
		else
			assert(out.len > 0 && out.data[0] == '/');
	}
	arena_deinit(&arena);
	return 0;
}
