/* Taking an entry out of the text of a whitelist. As in whitelist_edit.c the result is parsed again
 * and held against the old list: if anything but this entry went, nothing is changed. */
#include <errno.h>
#include <string.h>

#include "observe/errors.h"
#include "trust/whitelist_editor.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const struct yaml_node *find_item(const struct editor *editor, const char *path)
{
	const struct yaml_node *list = yaml_find(editor->root, "plugins")->value;

	for (const struct yaml_node *item = list->first; item; item = item->next) {
		if (str_eq(yaml_find(item, "path")->value->text, str_from(path)))
			return item;
	}
	return NULL;
}

/* The lines of an entry in a list without brackets. False when it doesn't begin a line. */
static bool drop_lines(struct editor *editor, const struct yaml_node *item)
{
	size_t begin = 0;
	size_t dash;

	for (unsigned line = 1; line < item->line; line++)
		begin = editor_line_end(editor, begin);
	dash = begin;
	while (dash < editor->text.len && editor->text.data[dash] == ' ')
		dash++;
	if (dash == editor->text.len || editor->text.data[dash] != '-')
		return false;
	editor_take_until(editor, begin);
	editor->taken = editor_line_end(editor, editor_last_byte(item));
	return true;
}

/* An entry in brackets, with the comma behind it or else the one before. */
static bool drop_flow(struct editor *editor, const struct yaml_node *item)
{
	size_t begin = item->start;
	size_t end = item->end;

	while (end < editor->text.len && is_blank(editor->text.data[end]))
		end++;
	if (end < editor->text.len && editor->text.data[end] == ',') {
		end++;
		while (end < editor->text.len && is_blank(editor->text.data[end]))
			end++;
	} else {
		end = item->end;
		while (begin > 0 && is_blank(editor->text.data[begin - 1]))
			begin--;
		if (begin > 0 && editor->text.data[begin - 1] == ',')
			begin--;
	}
	editor_take_until(editor, begin);
	editor->taken = end;
	return true;
}

static bool drop_item(struct editor *editor, const char *path)
{
	const struct yaml_node *list = yaml_find(editor->root, "plugins")->value;
	const struct yaml_node *item = find_item(editor, path);

	if (!(list->flow ? drop_flow(editor, item) : drop_lines(editor, item)))
		return false;
	editor_take_until(editor, editor->text.len);
	return true;
}

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Every other entry is there as it was, in its place, and nothing else. */
static bool lacks_only(const struct whitelist *now, const struct whitelist *before,
		       const struct whitelist_entry *gone)
{
	size_t next = 0;

	for (size_t i = 0; i < whitelist_count(before); i++) {
		const struct whitelist_entry *old = whitelist_at(before, i);
		const struct whitelist_entry *new = whitelist_at(now, next);

		if (old == gone)
			continue;
		if (!new || strcmp(old->path, new->path) != 0 || !same_name(old->name, new->name) ||
		    !digest_eq(&old->digest, &new->digest) || old->enabled != new->enabled ||
		    old->metadata_count != new->metadata_count)
			return false;
		next++;
	}
	return next == whitelist_count(now);
}

static int check_removed(const struct editor *editor, struct str text,
			 const struct whitelist *before, const struct whitelist_entry *gone,
			 struct err *err)
{
	struct whitelist *now;
	int rc = 0;

	if (editor_parse_list(text, editor->file, &now, NULL) < 0)
		return editor_refuse(err, editor->file);
	if (!lacks_only(now, before, gone))
		rc = editor_refuse(err, editor->file);
	whitelist_free(now);
	return rc;
}

static int remove_entry(struct editor *editor, const struct whitelist *list,
			const struct whitelist_entry *entry, struct err *err)
{
	size_t before = buf_len(editor->out);
	struct arena tree = {0};
	int rc = yaml_parse(editor->text, editor->file, ERR_WHITELIST_FILE, &tree, &editor->root,
			    err);

	if (rc == 0 && !drop_item(editor, entry->path))
		rc = editor_refuse(err, editor->file);
	if (rc == 0)
		rc = check_removed(editor,
				   (struct str){(char *)buf_front(editor->out) + before,
						buf_len(editor->out) - before},
				   list, entry, err);
	arena_deinit(&tree);
	return rc;
}

int whitelist_remove(struct str old_text, const char *file, const char *path_or_name,
		     struct buf *out, struct err *err)
{
	struct editor editor = {.text = old_text, .file = file, .out = out};
	const struct whitelist_entry *entry;
	struct whitelist *list;
	int rc = editor_parse_list(old_text, file, &list, err);

	if (rc < 0)
		return rc;
	entry = whitelist_find_path(list, path_or_name);
	if (!entry)
		entry = whitelist_find_name(list, path_or_name);
	if (entry) {
		rc = remove_entry(&editor, list, entry, err);
	} else {
		err_set(err, ERR_WHITELIST_UNLISTED, "%s lists no path and no name '%s'", file,
			path_or_name);
		rc = -ENOENT;
	}
	whitelist_free(list);
	return rc;
}
