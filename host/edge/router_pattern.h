/* A route's pattern, taken apart and checked. Pure. */
#ifndef PLUGD_EDGE_ROUTER_PATTERN_H
#define PLUGD_EDGE_ROUTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "edge/router.h"
#include "edge/router_types.h"

#define PATTERN_MAX_SEGMENTS 64

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAM, SEGMENT_REST };

struct segment {
	enum segment_kind kind;
	enum param_type type; /* of SEGMENT_PARAM */
	struct str text;      /* the literal, or the name; borrows from the pattern */
};

struct pattern {
	struct segment segments[PATTERN_MAX_SEGMENTS];
	size_t count;
};

/* NULL, or what is wrong with the text, as the end of a sentence about it. */
const char *pattern_fault(struct pattern *out, const char *text);

/* 0, or -EINVAL with *err (ERR_CONFIG_RANGE) saying what the rule's pattern must be. */
int pattern_parse(struct pattern *out, const struct router_rule *rule, struct err *err);

/* Upper-case letters, digits, "-" and "_", beginning with a letter: what methods look like in
 * configurations. */
bool pattern_is_method(struct str name);

/* "/health", "/rpc" and what is below them: the edge answers there itself, so a pattern or path
 * that begins so is no route's. */
bool pattern_is_reserved(struct str text);

/* Takes the first segment off *rest, which has no leading slash. False when it was the last one. */
bool segment_next(struct str *rest, struct str *segment_out);

/* "line 12: " or "", for the front of a message; `out` holds ROUTER_LINE_TEXT bytes. */
#define ROUTER_LINE_TEXT 32
const char *router_line_text(char *out, int line);

#endif
