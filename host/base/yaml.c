/* YAML text into a tree with lines. libfyaml does the grammar and gives events; this file builds
 * the nodes in the caller's arena, owns nothing after it returns, and is called by whoever reads a
 * file of the operator. It never resolves anything (no alias, no tag, no include), so a small file
 * can't become a large tree. It fails with the first error of the grammar, because what follows one
 * is guesswork. */
#include "base/yaml.h"

#include <errno.h>
#include <libfyaml.h>

struct builder {
	const char *file;
	int code;
	struct arena *arena;
	struct err *err;
	struct yaml_node *root;
	unsigned documents;
	bool ended; /* the whole text was seen */
	unsigned depth;
	struct level {
		struct yaml_node *node; /* the map or list that is being filled */
		struct yaml_node *last; /* its newest child */
		bool wants_value;	/* the newest child is a key without its value yet */
	} levels[YAML_MAX_DEPTH];
};

static int builder_refuse(struct builder *b, const struct fy_mark *mark, const char *what)
{
	return err_set(b->err, b->code, "%s:%d: %s", b->file, mark ? mark->line + 1 : 1, what);
}

/* ---- text before the grammar ---- */

/* The bytes of the character at the front, 0 when it is not UTF-8 (RFC 3629 section 4) or not for
 * text files. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
	static const struct {
		uint8_t first_low, first_high, second_low, second_high;
		size_t length;
	} rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	if (at[0] < 0x80)
		return at[0] >= ' ' || at[0] == '\t' || at[0] == '\n' || at[0] == '\r';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (at[0] < rows[i].first_low || at[0] > rows[i].first_high)
			continue;
		if (left < rows[i].length || at[1] < rows[i].second_low ||
		    at[1] > rows[i].second_high)
			return 0;
		for (size_t k = 2; k < rows[i].length; k++) {
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].length;
	}
	return 0;
}

/* libfyaml takes a NUL and broken UTF-8 for the end of the file, which would hide what follows. */
static int check_text(struct builder *b, struct str text)
{
	int line = 1;
	size_t length;

	if (text.len > YAML_MAX_BYTES)
		return err_set(b->err, b->code, "%s:1: the file is larger than %u MiB", b->file,
			       YAML_MAX_BYTES >> 20);
	for (size_t i = 0; i < text.len; i += length) {
		const uint8_t *at = (const uint8_t *)text.data + i;

		length = utf8_length(at, text.len - i);
		if (length == 0)
			return err_set(b->err, b->code,
				       "%s:%d: the byte 0x%02x is not text in UTF-8; is this a "
				       "YAML file?",
				       b->file, line, at[0]);
		line += *at == '\n';
	}
	return 0;
}

/* The first line, from 1, that is indented with a tab; 0: none. */
static int find_tab_line(struct str text)
{
	int line = 1;
	bool indent = true;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n') {
			line++;
			indent = true;
		} else if (text.data[i] == '\t' && indent) {
			return line;
		} else if (text.data[i] != ' ') {
			indent = false;
		}
	}
	return 0;
}

/* ---- events to nodes ---- */

static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind, struct fy_event *event)
{
	const struct fy_mark *start = fy_event_start_mark(event);
	const struct fy_mark *end = fy_event_end_mark(event);
	const struct level *level = b->depth > 0 ? &b->levels[b->depth - 1] : NULL;
	struct yaml_node *node = arena_new(b->arena, struct yaml_node);

	node->kind = kind;
	if (start && end) {
		node->line = (unsigned)start->line + 1;
		node->column = (unsigned)start->column + 1;
		node->start = (uint32_t)start->input_pos;
		node->end = (uint32_t)end->input_pos;
	} else if (level) { /* nothing stands there: it is where its key or list is */
		const struct yaml_node *near = level->last ? level->last : level->node;

		node->line = near->line;
		node->column = near->column;
		node->start = node->end = near->end;
	} else {
		node->line = node->column = 1;
	}
	return node;
}

static int node_attach(struct builder *b, struct yaml_node *node, const struct fy_mark *mark)
{
	struct level *level;

	if (b->depth == 0) {
		b->root = node;
		return 0;
	}
	level = &b->levels[b->depth - 1];
	if (level->wants_value) {
		level->last->value = node;
		level->wants_value = false;
		return 0;
	}
	if (level->node->kind == YAML_MAP && node->kind != YAML_TEXT)
		return builder_refuse(b, mark, "a key must be text, not a map or a list");
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	level->node->count++;
	level->wants_value = level->node->kind == YAML_MAP;
	return 0;
}

static int on_text(struct builder *b, struct fy_event *event)
{
	struct yaml_node *node = node_new(b, YAML_TEXT, event);
	struct fy_token *token = fy_event_get_token(event);
	enum fy_node_style style = fy_event_get_node_style(event);
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;

	if (text && memchr(text, '\0', len))
		return builder_refuse(b, fy_event_start_mark(event),
				      "there is a NUL (\\0) in this text");
	node->plain = !token || style == FYNS_PLAIN;
	node->text.data = arena_strndup(b->arena, (struct str){text ? text : "", text ? len : 0});
	node->text.len = text ? len : 0;
	return node_attach(b, node, fy_event_start_mark(event));
}

static int on_open(struct builder *b, struct fy_event *event, enum yaml_kind kind)
{
	struct yaml_node *node = node_new(b, kind, event);
	int rc = node_attach(b, node, fy_event_start_mark(event));

	if (rc < 0)
		return rc;
	if (b->depth == YAML_MAX_DEPTH)
		return builder_refuse(b, fy_event_start_mark(event), "too many levels");
	node->flow = fy_event_get_node_style(event) == FYNS_FLOW;
	b->levels[b->depth++] = (struct level){.node = node};
	return 0;
}

static int on_close(struct builder *b, const struct fy_mark *mark)
{
	if (b->depth == 0 || b->levels[b->depth - 1].wants_value)
		return builder_refuse(b, mark, "this is not well-formed YAML");
	b->depth--;
	if (mark && b->levels[b->depth].node->flow)
		b->levels[b->depth].node->end = (uint32_t)mark->input_pos + 1;
	return 0;
}

static int on_event(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (fy_event_get_anchor_token(event) || event->type == FYET_ALIAS)
		return builder_refuse(b, mark,
				      "anchors (&name) and aliases (*name) are not supported; "
				      "write the value out, in quotes if it begins with & or *");
	if (fy_event_get_tag_token(event))
		return builder_refuse(b, mark, "tags (!name) are not supported");
	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (b->documents++ > 0)
			return builder_refuse(b, mark, "a second document begins here");
		return 0;
	case FYET_SCALAR:
		return on_text(b, event);
	case FYET_MAPPING_START:
		return on_open(b, event, YAML_MAP);
	case FYET_SEQUENCE_START:
		return on_open(b, event, YAML_LIST);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return on_close(b, mark);
	case FYET_STREAM_END:
		b->ended = true;
		return 0;
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_DOCUMENT_END:
	case FYET_ALIAS:
		return 0;
	}
	return 0;
}

/* ---- driving the parser ---- */

static int report_syntax(struct builder *b, struct str text, struct fy_diag *diag)
{
	void *iterator = NULL;
	const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
	int line = error ? error->line : 1;
	int tab_line = find_tab_line(text);

	if (tab_line > 0 && tab_line <= line + 1)
		return err_set(b->err, b->code,
			       "%s:%d: the line is indented with a tab; YAML wants spaces", b->file,
			       tab_line);
	return err_set(b->err, b->code, "%s:%d: %s", b->file, line,
		       error && error->msg ? error->msg : "this is not well-formed YAML");
}

static int run_parser(struct builder *b, struct str text, struct fy_parser *parser,
		      struct fy_diag *diag)
{
	struct fy_event *event;
	int rc = 0;

	if (fy_parser_set_string(parser, text.data, text.len) != 0)
		return report_syntax(b, text, diag);
	while (rc == 0 && (event = fy_parser_parse(parser)) != NULL) {
		rc = on_event(b, event);
		fy_parser_event_free(parser, event);
	}
	if (rc == 0 && (fy_parser_get_stream_error(parser) || !b->ended || b->depth > 0))
		rc = report_syntax(b, text, diag);
	return rc;
}

int yaml_parse(struct str text, const char *file, int code, struct arena *arena,
	       struct yaml_node **root_out, struct err *err)
{
	struct builder b = {.file = file, .code = code, .arena = arena, .err = err};
	struct fy_diag_cfg diag_cfg = {.level = FYET_ERROR, .module_mask = UINT32_MAX};
	struct fy_diag *diag;
	struct fy_parser *parser;
	int rc = check_text(&b, text);

	if (rc < 0)
		return rc;
	*root_out = NULL;
	if (text.len == 0)
		return 0;
	diag = fy_diag_create(&diag_cfg);
	fy_diag_set_collect_errors(diag, true);
	parser = fy_parser_create(&(struct fy_parse_cfg){.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
								  FYPCF_DEFAULT_VERSION_1_2 |
								  FYPCF_JSON_NONE,
							 .diag = diag});
	rc = parser ? run_parser(&b, text, parser, diag)
		    : err_set(err, code, "%s:1: no memory for the parser", file);
	if (parser)
		fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	if (rc == 0)
		*root_out = b.root;
	return rc;
}

/* ---- reading a tree ---- */

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_TEXT && node->plain &&
	       (node->text.len == 0 || str_eq(node->text, STR_LITERAL("~")) ||
		str_eq(node->text, STR_LITERAL("null")));
}

bool yaml_to_bool(const struct yaml_node *node, bool *out)
{
	if (node->kind != YAML_TEXT || !node->plain)
		return false;
	*out = str_eq(node->text, STR_LITERAL("true"));
	return *out || str_eq(node->text, STR_LITERAL("false"));
}

const char *yaml_kind_name(const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_TEXT:
		return yaml_is_null(node) ? "nothing" : "text";
	case YAML_MAP:
		return "a map";
	case YAML_LIST:
		return "a list";
	}
	return "nothing";
}

struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	for (struct yaml_node *node = map->first; node; node = node->next) {
		if (str_eq(node->text, str_from(key)))
			return node;
	}
	return NULL;
}
