/* The decisions about compressed answers. encoder.c calls it, config/ checks texts with it. Owns
 * nothing.
 *
 * An answer is left alone when its status or type is of no use for it, when it is encoded already,
 * and when somebody has said something about its very bytes: no-transform, a range, a digest. */
#include "edge/compress.h"

#include <string.h>

#include "base/arena.h"
#include "net/accept_encoding.h"
#include "net/chars.h"

static const struct str usual_types[] = {
	{"text/*", 6},
	{"application/*+json", 18},
	{"application/*+xml", 17},
	{"application/javascript", 22},
	{"application/json", 16},
	{"application/msgpack", 19},
	{"application/protobuf", 20},
	{"application/wasm", 16},
	{"application/x-javascript", 24},
	{"application/x-ndjson", 20},
	{"application/x-protobuf", 22},
	{"application/xml", 15},
	{"image/svg+xml", 13},
};

/* Compressed by their own format: never again, whatever list they match. */
static const struct str dense_types[] = {
	{"audio/*", 7},
	{"video/*", 7},
	{"image/apng", 10},
	{"image/avif", 10},
	{"image/gif", 9},
	{"image/heic", 10},
	{"image/jpeg", 10},
	{"image/jxl", 9},
	{"image/png", 9},
	{"image/webp", 10},
	{"font/woff", 9},
	{"font/woff2", 10},
	{"application/gzip", 16},
	{"application/java-archive", 24},
	{"application/pdf", 15},
	{"application/vnd.rar", 19},
	{"application/x-7z-compressed", 27},
	{"application/x-bzip2", 19},
	{"application/x-gzip", 18},
	{"application/x-xz", 16},
	{"application/zip", 15},
	{"application/zstd", 16},
};

/* Fields that speak of the bytes as they were made. */
static const struct str byte_fields[] = {
	{"content-encoding", 16}, {"content-range", 13}, {"content-digest", 14},
	{"repr-digest", 11},	  {"digest", 6},	 {"content-md5", 11},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- policies ---- */

static void take_order(struct compress_policy *policy, char *const *encodings)
{
	static const enum coding_id usual[CODING_COUNT] = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP};

	if (!encodings) {
		memcpy(policy->order, usual, sizeof(usual));
		policy->order_count = CODING_COUNT;
	}
	for (size_t i = 0; encodings && encodings[i] && i < CODING_COUNT; i++)
		policy->order[policy->order_count++] = coding_find(str_from(encodings[i]));
}

void compress_policy_init(struct compress_policy *policy, const struct compress_opts *edge,
			  const struct route_compress_opts *route)
{
	*policy = (struct compress_policy){
		.is_on = edge->enabled,
		.level = edge->level,
		.min_bytes = edge->min_bytes,
		.types = edge->types,
	};
	take_order(policy, edge->encodings);
	if (!route)
		return;
	if (route->wish != COMPRESS_INHERIT)
		policy->is_on = route->wish == COMPRESS_ON;
	if (route->min_bytes)
		policy->min_bytes = route->min_bytes;
	if (route->types)
		policy->types = route->types;
}

/* ---- types ---- */

/* "text/ *" is all of a kind, "application/ *+json" all that are JSON underneath. */
static bool type_matches(struct str type, struct str pattern)
{
	const char *star = memchr(pattern.data, '*', pattern.len);
	size_t before = star ? (size_t)(star - pattern.data) : 0;
	struct str end = {star ? star + 1 : NULL, star ? pattern.len - before - 1 : 0};

	if (!star)
		return str_eq_nocase(type, pattern);
	return type.len > before + end.len &&
	       str_eq_nocase((struct str){type.data, before}, (struct str){pattern.data, before}) &&
	       str_eq_nocase((struct str){type.data + type.len - end.len, end.len}, end);
}

static bool is_among(struct str type, const struct str *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (type_matches(type, patterns[i]))
			return true;
	}
	return false;
}

static bool is_listed(struct str type, char *const *patterns)
{
	if (!patterns)
		return is_among(type, usual_types, COUNT_OF(usual_types));
	for (size_t i = 0; patterns[i]; i++) {
		if (type_matches(type, str_from(patterns[i])))
			return true;
	}
	return false;
}

static bool takes_type(const struct compress_policy *policy, struct str value)
{
	const char *semicolon = value.len > 0 ? memchr(value.data, ';', value.len) : NULL;
	struct str type = value;

	if (semicolon)
		type.len = (size_t)(semicolon - value.data);
	type = str_trim(type);
	return type.len > 0 && is_listed(type, policy->types) &&
	       !is_among(type, dense_types, COUNT_OF(dense_types));
}

const char *compress_check_type(struct str text)
{
	const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
	size_t len = slash ? (size_t)(slash - text.data) : 0;
	struct str kind = {text.data, len};
	struct str rest = {text.data + len + 1, slash ? text.len - len - 1 : 0};

	if (!slash || !chars_is_token(kind) || !chars_is_token(rest) || memchr(text.data, '*', len))
		return "is no media type; write one such as application/json, text/* or "
		       "application/*+json";
	if (rest.data[0] == '*' && rest.len > 1 && rest.data[1] != '+')
		return "has a * that stands for no whole name; write text/* or application/*+json";
	if (memchr(rest.data + 1, '*', rest.len - 1))
		return "has a * that stands for no whole name; write text/* or application/*+json";
	if (is_among(text, dense_types, COUNT_OF(dense_types)))
		return "is compressed by its own format, and would not get smaller; leave it out";
	return NULL;
}

/* ---- answers ---- */

static bool speaks_of_bytes(const struct http_response *response)
{
	for (size_t i = 0; i < COUNT_OF(byte_fields); i++) {
		if (http_field_find_nocase(response->fields, response->field_count, byte_fields[i]))
			return true;
	}
	return false;
}

/* RFC 9111, 5.2.1.6 and 5.2.2.6: either side may forbid it. */
static bool forbids(const struct http_field *fields, size_t count)
{
	return http_fields_list(fields, count, STR_LITERAL("cache-control"),
				STR_LITERAL("no-transform"));
}

static bool is_of_a_kind(const struct compress_policy *policy, const struct http_request *request,
			 const struct http_response *response)
{
	const struct http_field *type = http_field_find_nocase(
		response->fields, response->field_count, STR_LITERAL("content-type"));

	return type && response->status != 206 &&
	       http_response_has_body(STR_LITERAL("GET"), response->status) &&
	       takes_type(policy, type->value) && !speaks_of_bytes(response) &&
	       !forbids(response->fields, response->field_count) &&
	       !forbids(request->fields, request->field_count);
}

/* An answer to HEAD without a length may be one to which GET gets a small body. */
static bool is_large_enough(const struct compress_policy *policy,
			    const struct http_request *request, uint64_t bytes)
{
	if (bytes == SIZE_UNKNOWN)
		return !str_eq(request->method, STR_LITERAL("HEAD"));
	return bytes >= policy->min_bytes;
}

enum compress_verdict compress_decide(const struct compress_policy *policy,
				      const struct http_request *request,
				      const struct http_response *response, uint64_t bytes,
				      enum coding_id *coding_out)
{
	struct accept_encoding accept;
	bool is_large = is_large_enough(policy, request, bytes);

	if (bytes == 0 || !is_of_a_kind(policy, request, response))
		return COMPRESS_NEVER;
	accept_encoding_read(&accept, request->fields, request->field_count);
	if (!is_large && bytes != SIZE_UNKNOWN && !accept_encoding_needs_one(&accept))
		return COMPRESS_NEVER;
	*coding_out = accept_encoding_choose(&accept, policy->order, policy->order_count);
	if (*coding_out == CODING_COUNT || (!is_large && bytes == SIZE_UNKNOWN))
		return COMPRESS_DEPENDS;
	return COMPRESS_CODED;
}

/* ---- heads ---- */

/* The same for fields of our own. */
static struct http_field *find(struct http_field *fields, size_t count, struct str name)
{
	return (struct http_field *)http_field_find_nocase(fields, count, name);
}

void compress_vary(struct arena *arena, struct http_field *fields, size_t *count)
{
	const struct str name = STR_LITERAL("vary");
	struct http_field *vary = find(fields, *count, name);

	if (http_fields_list(fields, *count, name, STR_LITERAL("*")) ||
	    http_fields_list(fields, *count, name, STR_LITERAL("accept-encoding")))
		return;
	if (vary && str_trim(vary->value).len > 0)
		vary->value = str_from(
			arena_printf(arena, "%.*s, Accept-Encoding", STR_ARG(vary->value)));
	else
		fields[(*count)++] = (struct http_field){name, STR_LITERAL("Accept-Encoding")};
}

static void weaken(struct arena *arena, struct http_field *etag)
{
	if (!str_starts_with(etag->value, STR_LITERAL("W/")))
		etag->value = str_from(arena_printf(arena, "W/%.*s", STR_ARG(etag->value)));
}

static void take_out(struct http_field *fields, size_t *count, struct str name)
{
	struct http_field *found;

	while ((found = find(fields, *count, name))) {
		size_t behind = *count - (size_t)(found - fields) - 1;

		memmove(found, found + 1, behind * sizeof(*found));
		(*count)--;
	}
}

void compress_head(enum coding_id id, struct arena *arena, struct http_field *fields, size_t *count)
{
	struct http_field *etag = find(fields, *count, STR_LITERAL("etag"));

	if (etag)
		weaken(arena, etag);
	take_out(fields, count, STR_LITERAL("accept-ranges"));
	fields[(*count)++] = (struct http_field){STR_LITERAL("content-encoding"), coding_token(id)};
}

void compress_not_modified(const struct http_request *request, struct arena *arena,
			   struct http_field *fields, size_t count)
{
	struct http_field *etag = find(fields, count, STR_LITERAL("etag"));
	struct str weak;

	if (!etag || str_starts_with(etag->value, STR_LITERAL("W/")))
		return;
	weak = str_from(arena_printf(arena, "W/%.*s", STR_ARG(etag->value)));
	if (http_fields_list(request->fields, request->field_count, STR_LITERAL("if-none-match"),
			     weak))
		etag->value = weak;
}
