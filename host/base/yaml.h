/* YAML as a tree whose nodes know where they stand, so that every complaint about a file can name
 * its line. What people put into configuration is accepted; what makes files say something else
 * than they seem to is refused: aliases, anchors, tags, several documents, keys that are not text,
 * text that is not UTF-8. Keys that come twice are kept: the caller refuses them with both lines.
 * Pure. */
#ifndef PLUGD_BASE_YAML_H
#define PLUGD_BASE_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define YAML_MAX_BYTES (64u << 20)
#define YAML_MAX_DEPTH 32

enum yaml_kind { YAML_TEXT, YAML_MAP, YAML_LIST };

struct yaml_node {
	enum yaml_kind kind;
	bool plain;    /* text without quotes: null, 12 and true may mean more than their letters */
	bool flow;     /* a map or list in brackets */
	unsigned line; /* from 1 */
	unsigned column;	 /* from 1 */
	uint32_t start;		 /* of text: where it begins in the source, behind the quote */
	uint32_t end;		 /* behind text, or behind a closing bracket; else of no meaning */
	unsigned count;		 /* of the children */
	struct str text;	 /* of text: unquoted, terminated */
	struct yaml_node *first; /* child: an item of a list, a key of a map */
	struct yaml_node *next;	 /* sibling */
	struct yaml_node *value; /* of a key, never NULL there */
};

/* Parses one document. Nodes live in the arena. 0 and *root_out (NULL: the text is empty or only
 * comments), or -EINVAL and *err: the code that is given, and "<file>:<line>: " in front of the
 * text. */
int yaml_parse(struct str text, const char *file, int code, struct arena *arena,
	       struct yaml_node **root_out, struct err *err);

/* Nothing after the colon, `~` or `null`. */
bool yaml_is_null(const struct yaml_node *node);

/* `true` or `false`, without quotes. False when it is neither. */
bool yaml_to_bool(const struct yaml_node *node, bool *out);

/* What it is, for people: "a map", "a list", "text", "nothing". */
const char *yaml_kind_name(const struct yaml_node *node);

/* The first key of that name in a map, or NULL. */
struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

#endif
