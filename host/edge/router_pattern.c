/* Patterns of routes: what an operator may write, refused with the reason when it could never match
 * or would not mean what it seems to. The router calls it once for each rule. */
#include "edge/router_pattern.h"

#include <stdbool.h>
#include <stdio.h>

#include "observe/errors.h"

bool segment_next(struct str *rest, struct str *segment_out)
{
	const char *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
	size_t len = slash ? (size_t)(slash - rest->data) : rest->len;

	*segment_out = (struct str){rest->data, len};
	if (!slash)
		return false;
	rest->data += len + 1;
	rest->len -= len + 1;
	return true;
}

const char *router_line_text(char *out, int line)
{
	out[0] = '\0';
	if (line > 0)
		snprintf(out, ROUTER_LINE_TEXT, "line %d: ", line);
	return out;
}

bool pattern_is_reserved(struct str text)
{
	return str_eq(text, STR_LITERAL("/health")) || str_eq(text, STR_LITERAL("/rpc")) ||
	       str_starts_with(text, STR_LITERAL("/health/")) ||
	       str_starts_with(text, STR_LITERAL("/rpc/"));
}

static bool is_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		bool is_digit = c >= '0' && c <= '9';
		if (!is_letter && !(is_digit && i > 0))
			return false;
	}
	return text.len > 0;
}

bool pattern_is_method(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool is_later = (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!(c >= 'A' && c <= 'Z') && !(is_later && i > 0))
			return false;
	}
	return name.len > 0;
}

/* A path arrives with every other escape decoded (net/message.h). */
static bool is_kept_escape(struct str text)
{
	return str_starts_with(text, STR_LITERAL("%2F")) ||
	       str_starts_with(text, STR_LITERAL("%25"));
}

/* NULL, or what is wrong. */
static const char *literal_fault(struct str text)
{
	if (str_eq(text, STR_LITERAL(".")) || str_eq(text, STR_LITERAL("..")))
		return "has a \".\" or \"..\" segment, which no path has when it is matched";
	if (text.len > 1 && text.data[0] == '{' && text.data[text.len - 1] == '}')
		return "has a segment in braces, which would stand for itself; write \":name\" for "
		       "one that stands for any";

	while (text.len > 0) {
		size_t len = str_utf8_next(text);
		unsigned char c = (unsigned char)text.data[0];
		if (len == 0)
			return "is not UTF-8";
		if (c < 0x20 || c == 0x7f)
			return "has a control character";
		if (c == '*')
			return "has a \"*\" inside a segment; \"*name\" must be the whole last "
			       "segment";
		if (c == '?')
			return "has a \"?\"; a pattern has no query";
		if (c == '%' && !is_kept_escape(text))
			return "has an escape; write the character itself, \"%25\" for a \"%\", "
			       "\"%2F\" for a slash "
			       "inside a segment";
		text.data += len;
		text.len -= len;
	}
	return NULL;
}

static const char *name_fault(const struct pattern *pattern, struct str name)
{
	size_t captures = 0;

	if (name.len == 0)
		return "has a \":\" or \"*\" without a name; give it one, such as \":id\" or "
		       "\"*rest\"";
	if (!is_name(name))
		return "has a name that is not made of letters, digits and \"_\"; a type is "
		       "written \":id<int>\"";
	for (size_t i = 0; i < pattern->count; i++) {
		if (pattern->segments[i].kind == SEGMENT_LITERAL)
			continue;
		if (str_eq(pattern->segments[i].text, name))
			return "has the same name twice";
		captures++;
	}
	return captures >= ROUTER_MAX_PARAMS ? "has more than 16 names" : NULL;
}

/* "<int>" at the end of a param: takes it off. NULL, or what is wrong. */
static const char *take_type(struct segment *segment)
{
	struct str *text = &segment->text;
	const char *open = text->len ? memchr(text->data, '<', text->len) : NULL;
	size_t len = open ? (size_t)(open - text->data) : 0;

	if (!open)
		return NULL;
	if (text->data[text->len - 1] != '>')
		return "has a \"<\" in a name that no \">\" closes at its end";
	segment->type = param_type_find((struct str){open + 1, text->len - len - 2});
	text->len = len;
	if (segment->type == PARAM_TYPES)
		return "has a type that there is not; there are " PARAM_TYPE_NAMES;
	return segment->kind == SEGMENT_REST ? "has a \"*\" with a type; only a \":name\" has one"
					     : NULL;
}

static const char *segment_fault(struct pattern *pattern, struct str text, bool is_last)
{
	struct segment segment = {SEGMENT_LITERAL, PARAM_TEXT, text};
	char first = text.len > 0 ? text.data[0] : '\0';
	const char *fault = NULL;

	if (first == ':' || first == '*') {
		segment.kind = first == ':' ? SEGMENT_PARAM : SEGMENT_REST;
		segment.text = (struct str){text.data + 1, text.len - 1};
		fault = take_type(&segment);
		if (!fault)
			fault = name_fault(pattern, segment.text);
	} else {
		fault = literal_fault(text);
	}
	if (!fault && text.len == 0 && !is_last)
		fault = "has an empty segment";
	if (!fault && segment.kind == SEGMENT_REST && !is_last)
		fault = "goes on after \"*\", which takes everything that is left";
	if (!fault && pattern->count == PATTERN_MAX_SEGMENTS)
		fault = "has more than 64 segments";
	if (!fault)
		pattern->segments[pattern->count++] = segment;
	return fault;
}

const char *pattern_fault(struct pattern *out, const char *text)
{
	const char *fault = NULL;
	struct str rest = str_from(text);
	struct str segment;
	bool more = true;

	out->count = 0;
	if (rest.len == 0 || rest.data[0] != '/')
		return "does not start with \"/\"";
	rest.data++;
	rest.len--;
	while (!fault && more) {
		more = segment_next(&rest, &segment);
		fault = segment_fault(out, segment, !more);
	}
	return fault;
}

int pattern_parse(struct pattern *out, const struct router_rule *rule, struct err *err)
{
	const char *fault = pattern_fault(out, rule->pattern);
	char line[ROUTER_LINE_TEXT];

	if (fault)
		return err_set(err, ERR_CONFIG_RANGE, "%sthe route's path \"%s\" %s",
			       router_line_text(line, rule->line), rule->pattern, fault);
	return 0;
}
