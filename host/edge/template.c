/* Texts with holes: parsed when routes are made, filled for each request that needs one.
 *
 * What a request brings is a decoded path, so in a location every byte of it that means something
 * in a URL is escaped again (RFC 3986, 3.3); only the slashes of a rest stay. A path for a plugin
 * keeps the form in which paths are seen everywhere behind net. Called by the leads of routes, and
 * by config to say what is wrong. */
#include "edge/template.h"

#include "net/chars.h"
#include "net/target.h"

enum part_kind { PART_TEXT, PART_SCHEME, PART_HOST, PART_PATH, PART_PARAM, PART_REST };

struct template_part {
	enum part_kind kind;
	struct str text; /* of PART_TEXT */
	size_t capture;	 /* of PART_PARAM, PART_REST: which of the pattern's */
};

/* The most that a text with so many bytes can have: a hole and a text for each two. */
#define PARTS_OF(len) ((len) + 2)

/* ---- parsing ---- */

/* A location that is being read. */
struct reading {
	struct template *out;
	const struct pattern *pattern;
	struct str rest;
	const char *text; /* the literal that has begun */
};

static void push(struct template *out, struct template_part part)
{
	if (part.kind != PART_TEXT || part.text.len > 0)
		out->parts[out->count++] = part;
}

static void push_text(struct template *out, const char *begin, const char *end)
{
	push(out,
	     (struct template_part){.kind = PART_TEXT, .text = {begin, (size_t)(end - begin)}});
}

static const char *push_capture(struct template *out, const struct pattern *pattern,
				enum segment_kind kind, struct str name)
{
	size_t capture = 0;

	for (size_t i = 0; i < pattern->count; i++) {
		const struct segment *segment = &pattern->segments[i];

		if (segment->kind == SEGMENT_LITERAL)
			continue;
		if (segment->kind == kind && str_eq(segment->text, name)) {
			push(out, (struct template_part){.kind = kind == SEGMENT_REST ? PART_REST
										      : PART_PARAM,
							 .capture = capture});
			return NULL;
		}
		capture++;
	}
	return "has a \":name\" or \"*name\" that the route's path has not";
}

static const char *parse_path(struct template *out, const char *text,
			      const struct pattern *route_pattern)
{
	struct pattern pattern;
	const char *fault = pattern_fault(&pattern, text);

	for (size_t i = 0; i < pattern.count && !fault; i++) {
		const struct segment *segment = &pattern.segments[i];
		const char *begin = segment->text.data - 1; /* the slash, or ':' or '*' behind it */

		if (segment->kind == SEGMENT_LITERAL) {
			push_text(out, begin, begin + 1 + segment->text.len);
			continue;
		}
		if (segment->kind == SEGMENT_PARAM && segment->type != PARAM_TEXT)
			return "has a type; the route's path says it";
		push_text(out, begin - 1, begin);
		fault = push_capture(out, route_pattern, segment->kind, segment->text);
	}
	return fault;
}

static void skip(struct reading *reading, size_t len)
{
	reading->rest.data += len;
	reading->rest.len -= len;
}

/* The literal ends here. */
static void end_text(struct reading *reading)
{
	push_text(reading->out, reading->text, reading->rest.data);
}

/* What is wrong with a brace where none can be. */
static const char *refuse_brace(struct str rest)
{
	static const struct {
		struct str hole;
		const char *fault;
	} holes[] = {
		{{"{scheme}", 8}, "has {scheme} where it can't be; its place is before \"://\""},
		{{"{host}", 6}, "has {host} where it can't be; its place is right behind \"://\""},
		{{"{path}", 6},
		 "has {path} where it can't be; it brings its own slash, and stands behind the "
		 "host or a text, but not in a query"},
	};

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		if (str_starts_with(rest, holes[i].hole))
			return holes[i].fault;
	}
	return "has a brace that begins none of {scheme}, {host} and {path}; what the route's path "
	       "has captured is written :name or *name";
}

/* Takes a hole of that name, if it is next. */
static bool take_hole(struct reading *reading, struct str hole, enum part_kind kind)
{
	if (!str_starts_with(reading->rest, hole))
		return false;
	end_text(reading);
	push(reading->out, (struct template_part){.kind = kind});
	skip(reading, hole.len);
	reading->text = reading->rest.data;
	return true;
}

/* The scheme with its "://", if there is one. */
static bool take_scheme(struct reading *reading)
{
	static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};

	if (take_hole(reading, STR_LITERAL("{scheme}"), PART_SCHEME)) {
		if (!str_starts_with(reading->rest, STR_LITERAL("://")))
			return false;
		skip(reading, 3);
		return true;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (str_starts_with(reading->rest, schemes[i])) {
			skip(reading, schemes[i].len);
			return true;
		}
	}
	return false;
}

static bool is_port_part(struct str text)
{
	uint64_t port;

	return text.len == 0 ||
	       (text.data[0] == ':' &&
		str_to_u64((struct str){text.data + 1, text.len - 1}, 65535, &port));
}

/* "example.com:8443", "{host}:8443" */
static const char *take_authority(struct reading *reading)
{
	struct str authority;
	size_t len = 0;

	reading->out->wants_host = take_hole(reading, STR_LITERAL("{host}"), PART_HOST);
	while (len < reading->rest.len && !strchr("/?{", reading->rest.data[len]))
		len++;
	authority = (struct str){reading->rest.data, len};
	skip(reading, len);
	if (reading->out->wants_host)
		return is_port_part(authority) ? NULL : "has more than a port behind {host}";
	if (authority.len == 0 && str_starts_with(reading->rest, STR_LITERAL("{")))
		return refuse_brace(reading->rest);
	return target_is_authority(authority) ? NULL : "has no name of a host behind \"://\"";
}

/* ":name", "*name" behind a slash. */
static const char *take_capture(struct reading *reading)
{
	enum segment_kind kind = reading->rest.data[0] == '*' ? SEGMENT_REST : SEGMENT_PARAM;
	size_t len = 1;
	const char *fault;

	end_text(reading);
	while (len < reading->rest.len && !strchr("/?", reading->rest.data[len]))
		len++;
	fault = push_capture(reading->out, reading->pattern, kind,
			     (struct str){reading->rest.data + 1, len - 1});
	skip(reading, len);
	reading->text = reading->rest.data;
	return fault;
}

/* What may stand in a URL as it is (RFC 3986, 3.3 and 3.4). */
static bool is_plain(struct str rest)
{
	char c = rest.data[0];

	if (c == '%')
		return chars_escape(rest) >= 0;
	return chars_is_target((struct str){&c, 1}) && !strchr("\"<>\\^`{|}#", c);
}

static const char *take_character(struct reading *reading)
{
	if (reading->rest.data[0] == '{')
		return refuse_brace(reading->rest);
	if (!is_plain(reading->rest))
		return "has a character that must be escaped in a URL, such as %20 for a space";
	reading->out->has_query |= reading->rest.data[0] == '?';
	skip(reading, 1);
	return NULL;
}

static const char *parse_location(struct template *out, const char *text,
				  const struct pattern *pattern)
{
	struct reading reading = {out, pattern, str_from(text), text};
	const char *fault = NULL;
	char before = '\0';

	out->is_absolute = take_scheme(&reading);
	if (out->is_absolute)
		fault = take_authority(&reading);
	else if (text[0] == '{')
		fault = refuse_brace(str_from(text));
	else if (text[0] != '/')
		return "begins neither with a slash nor with http://, https:// or {scheme}://";
	while (!fault && reading.rest.len > 0) {
		char c = reading.rest.data[0];

		if (before == '/' && !out->has_query && (c == ':' || c == '*'))
			fault = take_capture(&reading);
		else if (before == '/' || out->has_query ||
			 !take_hole(&reading, STR_LITERAL("{path}"), PART_PATH))
			fault = take_character(&reading);
		before = c;
	}
	end_text(&reading);
	return fault;
}

const char *template_parse(struct template *out, struct arena *arena, enum template_use use,
			   const char *text, const struct pattern *pattern)
{
	*out = (struct template){.use = use};
	out->parts = arena_zalloc(arena, PARTS_OF(strlen(text)) * sizeof(*out->parts));
	return use == TEMPLATE_PATH ? parse_path(out, text, pattern)
				    : parse_location(out, text, pattern);
}

/* ---- filling ---- */

static char *put(char *at, struct str text)
{
	memcpy(at, text.data, text.len);
	return at + text.len;
}

/* Whether the byte of a decoded path stands for itself in a URL: a pchar (RFC 3986, 3.3), or the
 * slash of a rest. A '%' begins one of the two escapes that are still there. */
static bool stands_for_itself(uint8_t c, bool is_rest)
{
	uint8_t lower = c | 0x20;

	if ((lower >= 'a' && lower <= 'z') || chars_is_digit((char)c))
		return true;
	return (c == '/' && is_rest) || (c != '\0' && strchr("-._~!$&'()*+,;=:@%", c));
}

static char *put_escaped(char *at, struct str text, bool is_rest)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.data[i];

		if (stands_for_itself(c, is_rest))
			*at++ = (char)c;
		else
			at = chars_put_escape(at, c);
	}
	return at;
}

static struct str value_of(const struct template_part *part, const struct template_facts *facts)
{
	switch (part->kind) {
	case PART_TEXT:
		break;
	case PART_SCHEME:
		return facts->scheme;
	case PART_HOST:
		return facts->host;
	case PART_PATH:
		return facts->path;
	case PART_PARAM:
	case PART_REST:
		return facts->params[part->capture].value;
	}
	return part->text;
}

static bool is_escaped(enum template_use use, enum part_kind kind)
{
	return use == TEMPLATE_LOCATION &&
	       (kind == PART_PATH || kind == PART_PARAM || kind == PART_REST);
}

/* "//evil.example" would be another host (RFC 3986, 4.2). */
static struct str stay_here(struct str location)
{
	while (str_starts_with(location, STR_LITERAL("//"))) {
		location.data++;
		location.len--;
	}
	return location;
}

struct str template_expand(const struct template *template, const struct template_facts *facts,
			   struct arena *arena)
{
	struct str all;
	size_t bound = 0;
	char *out, *at;

	for (size_t i = 0; i < template->count; i++)
		bound += 3 * value_of(&template->parts[i], facts).len;
	out = at = arena_alloc(arena, bound);
	for (size_t i = 0; i < template->count; i++) {
		const struct template_part *part = &template->parts[i];
		struct str value = value_of(part, facts);

		at = is_escaped(template->use, part->kind)
			     ? put_escaped(at, value, part->kind != PART_PARAM)
			     : put(at, value);
	}
	all = (struct str){out, (size_t)(at - out)};
	return template->use == TEMPLATE_LOCATION && !template->is_absolute ? stay_here(all) : all;
}
