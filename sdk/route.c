/* Which route an HTTP path belongs to. The table is sorted once, the most exact pattern first, so
 * that the first match is the right one, whatever the order in the author's table. Owns the sorted
 * list, borrows the routes. Pure. */
#include "sdk/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How exact a segment of a pattern is; less is more exact. */
enum segment_kind { SEGMENT_TEXT, SEGMENT_END, SEGMENT_PARAM, SEGMENT_REST };

struct segment {
	enum segment_kind kind;
	const char *text; /* without ':' or '*' */
	size_t len;
};

/* Takes the next segment off the pattern; it begins behind its '/'. */
static struct segment segment_next(const char **pattern)
{
	struct segment segment = {.kind = SEGMENT_END, .text = *pattern};

	if (**pattern != '/')
		return segment;
	segment.text = *pattern + 1;
	segment.len = strcspn(segment.text, "/");
	*pattern = segment.text + segment.len;
	segment.kind = SEGMENT_TEXT;
	if (*segment.text == ':')
		segment.kind = SEGMENT_PARAM;
	else if (*segment.text == '*')
		segment.kind = SEGMENT_REST;
	if (segment.kind != SEGMENT_TEXT) {
		segment.text++;
		segment.len--;
	}
	return segment;
}

/* The same for a path, where nothing is special. False at its end. */
static bool path_next(struct wire_bytes *path, struct wire_bytes *segment_out)
{
	const uint8_t *slash;

	if (path->len == 0 || path->data[0] != '/')
		return false;
	segment_out->data = path->data + 1;
	slash = memchr(segment_out->data, '/', path->len - 1);
	segment_out->len = slash != NULL ? (size_t)(slash - segment_out->data) : path->len - 1;
	path->data += 1 + segment_out->len;
	path->len -= 1 + segment_out->len;
	return true;
}

static bool text_is(struct wire_bytes bytes, const char *text, size_t len)
{
	return bytes.len == len && (len == 0 || memcmp(bytes.data, text, len) == 0);
}

/* Matches, and tells what the segment called `name` captures (NULL: don't care). */
static bool pattern_match(const char *pattern, struct wire_bytes path, const char *name,
			  struct wire_bytes *value_out)
{
	for (;;) {
		struct segment segment = segment_next(&pattern);
		struct wire_bytes rest = path;
		struct wire_bytes part;
		bool wanted = name != NULL && strlen(name) == segment.len &&
			      memcmp(name, segment.text, segment.len) == 0;

		if (segment.kind == SEGMENT_END)
			return path.len == 0;
		if (!path_next(&path, &part))
			return false;
		if (segment.kind == SEGMENT_REST)
			part = (struct wire_bytes){rest.data + 1, rest.len - 1};
		if (wanted && segment.kind != SEGMENT_TEXT)
			*value_out = part;
		if (segment.kind == SEGMENT_REST)
			return true;
		if (segment.kind == SEGMENT_TEXT && !text_is(part, segment.text, segment.len))
			return false;
		if (segment.kind == SEGMENT_PARAM && part.len == 0)
			return false;
	}
}

/* NULL, or why it is no pattern. */
static const char *pattern_fault(const char *pattern)
{
	struct segment segment;

	if (pattern == NULL || *pattern != '/')
		return "a route's pattern must begin with '/'";
	for (segment = segment_next(&pattern); segment.kind != SEGMENT_END;
	     segment = segment_next(&pattern)) {
		if (segment.kind != SEGMENT_TEXT && segment.len == 0)
			return "a route's ':' or '*' must have a name";
		if (segment.kind == SEGMENT_REST && *pattern != '\0')
			return "a route's \"*rest\" must be its end";
	}
	return NULL;
}

/* By shape: names of parameters don't count. */
static int pattern_compare(const char *a, const char *b)
{
	for (;;) {
		struct segment left = segment_next(&a);
		struct segment right = segment_next(&b);
		int order;

		if (left.kind != right.kind)
			return left.kind < right.kind ? -1 : 1;
		if (left.kind == SEGMENT_END)
			return 0;
		if (left.kind != SEGMENT_TEXT)
			continue;
		order = strncmp(left.text, right.text, left.len < right.len ? left.len : right.len);
		if (order != 0)
			return order;
		if (left.len != right.len)
			return left.len < right.len ? -1 : 1;
	}
}

/* HEAD first, because GET takes it too; every method last. */
static int method_compare(const char *a, const char *b)
{
	bool a_is_head = a != NULL && strcmp(a, "HEAD") == 0;
	bool b_is_head = b != NULL && strcmp(b, "HEAD") == 0;

	if (a == NULL || b == NULL)
		return (a == NULL) - (b == NULL);
	if (a_is_head || b_is_head)
		return b_is_head - a_is_head;
	return strcmp(a, b);
}

static int route_compare(const void *a, const void *b)
{
	const struct plug_http_route *left = ((const struct route_entry *)a)->route;
	const struct plug_http_route *right = ((const struct route_entry *)b)->route;
	int order = pattern_compare(left->pattern, right->pattern);

	return order != 0 ? order : method_compare(left->method, right->method);
}

const char *route_table_init(struct route_table *table, const struct plug_http_route *routes,
			     size_t count)
{
	*table = (struct route_table){0};
	if (count == 0)
		return NULL;
	table->sorted = calloc(count, sizeof(*table->sorted));
	if (table->sorted == NULL)
		return "no memory for the routes";
	for (size_t i = 0; i < count; i++) {
		const char *fault = pattern_fault(routes[i].pattern);

		if (fault != NULL)
			return fault;
		if (routes[i].handler == NULL)
			return "a route has no handler";
		table->sorted[i].route = &routes[i];
	}
	table->count = count;
	qsort(table->sorted, count, sizeof(*table->sorted), route_compare);
	for (size_t i = 1; i < count; i++) {
		if (route_compare(&table->sorted[i - 1], &table->sorted[i]) == 0)
			return "two routes have the same method and pattern";
	}
	return NULL;
}

void route_table_deinit(struct route_table *table)
{
	free(table->sorted);
	*table = (struct route_table){0};
}

/* RFC 9110 9.3.2: HEAD is GET without the body. */
static bool route_takes(const struct plug_http_route *route, struct wire_bytes method)
{
	if (route->method == NULL || text_is(method, route->method, strlen(route->method)))
		return true;
	return text_is(method, "HEAD", 4) && strcmp(route->method, "GET") == 0;
}

struct route_entry *route_find(const struct route_table *table, struct wire_bytes method,
			       struct wire_bytes path, bool *path_known_out)
{
	*path_known_out = false;
	for (size_t i = 0; i < table->count; i++) {
		if (!pattern_match(table->sorted[i].route->pattern, path, NULL, NULL))
			continue;
		*path_known_out = true;
		if (route_takes(table->sorted[i].route, method))
			return &table->sorted[i];
	}
	return NULL;
}

static bool allow_has(const char *list, const char *method)
{
	size_t len = strlen(method);

	for (const char *at = strstr(list, method); at != NULL; at = strstr(at + 1, method)) {
		if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ','))
			return true;
	}
	return false;
}

static void allow_add(char *list, size_t size, const char *method)
{
	size_t len = strlen(list);

	if (!allow_has(list, method))
		snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", method);
}

void route_allow(const struct route_table *table, struct wire_bytes path, char *out, size_t size)
{
	*out = '\0';
	for (size_t i = 0; i < table->count; i++) {
		const struct plug_http_route *route = table->sorted[i].route;

		if (route->method == NULL || !pattern_match(route->pattern, path, NULL, NULL))
			continue;
		allow_add(out, size, route->method);
		if (strcmp(route->method, "GET") == 0)
			allow_add(out, size, "HEAD");
	}
}

bool route_param(const char *pattern, struct wire_bytes path, const char *name,
		 struct wire_bytes *value_out)
{
	value_out->data = NULL;
	return pattern_match(pattern, path, name, value_out) && value_out->data != NULL;
}
