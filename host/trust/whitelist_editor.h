/* What adding a pin and removing an entry share: the old text with its tree, and the new text as it
 * comes about. For whitelist_edit.c and whitelist_remove.c alone. */
#ifndef PLUGD_TRUST_WHITELIST_EDITOR_H
#define PLUGD_TRUST_WHITELIST_EDITOR_H

#include "base/yaml.h"
#include "trust/whitelist_edit.h"

struct editor {
	struct str text; /* old */
	const char *file;
	const struct whitelist_pin *pin; /* NULL: something is removed */
	struct buf *out;
	struct yaml_node *root;
	size_t taken; /* bytes of the old text that are in *out, or replaced there */
};

/* Copies the old text up to there. */
void editor_take_until(struct editor *editor, size_t position);

/* Behind the line in which the position is. */
size_t editor_line_end(const struct editor *editor, size_t position);

/* The last byte that belongs to a value. */
size_t editor_last_byte(const struct yaml_node *node);

/* Says that the file is written in a way that can't be edited. Returns -EINVAL. */
int editor_refuse(struct err *err, const char *file);

/* whitelist_parse() with the first problem as *err, which may be NULL. */
int editor_parse_list(struct str text, const char *file, struct whitelist **out, struct err *err);

#endif
