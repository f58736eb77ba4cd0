/* Pins in the text of a whitelist. The text is edited where the parsed tree says that things stand,
 * and the result is parsed again: if it doesn't say what it should, because the file is written in
 * a way that this doesn't understand, nothing is changed and the message asks for a simpler way.
 * whitelist_file.c calls it with a file's bytes. */
#include "trust/whitelist_edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "observe/errors.h"
#include "trust/whitelist_editor.h"

static const char new_text[] =
	"# Which executables plugd may run, and the hash that each must have.\n"
	"version: 1\n"
	"plugins:\n";

/* ---- pieces of text ---- */

void editor_take_until(struct editor *editor, size_t position)
{
	buf_append(editor->out, editor->text.data + editor->taken, position - editor->taken);
	editor->taken = position;
}

/* Behind the line in which the position is. */
size_t editor_line_end(const struct editor *editor, size_t position)
{
	const char *newline =
		memchr(editor->text.data + position, '\n', editor->text.len - position);

	return newline ? (size_t)(newline - editor->text.data) + 1 : editor->text.len;
}

/* False when the value isn't written as it reads (escapes, folded lines). */
static bool replace_value(struct editor *editor, const struct yaml_node *value, struct str with)
{
	if (value->start + value->text.len > editor->text.len ||
	    memcmp(editor->text.data + value->start, value->text.data, value->text.len) != 0)
		return false;
	editor_take_until(editor, value->start);
	buf_append_str(editor->out, with);
	editor->taken += value->text.len;
	return true;
}

/* Plain when YAML can't mistake it for anything else, in quotes otherwise. */
static void append_scalar(struct buf *out, const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789/._+@-";

	if (*text != '-' && strcmp(text, "null") != 0 && text[strspn(text, safe)] == '\0') {
		buf_append_str(out, str_from(text));
		return;
	}
	buf_append(out, "\"", 1);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_append(out, "\\", 1);
		buf_append(out, text, 1);
	}
	buf_append(out, "\"", 1);
}

/* ---- a new entry ---- */

static void append_pair(struct editor *editor, const char *before, const char *key,
			const char *value)
{
	buf_printf(editor->out, "%s%s: ", before, key);
	append_scalar(editor->out, value);
}

static void append_hash(struct editor *editor, const char *before)
{
	char text[DIGEST_TEXT];

	buf_printf(editor->out, "%shash: \"%s\"", before,
		   digest_format(text, &editor->pin->digest));
}

static void append_metadata(struct editor *editor)
{
	for (size_t i = 0; i < editor->pin->metadata_count; i++) {
		buf_append_str(editor->out, str_from(i == 0 ? "{" : ", "));
		append_scalar(editor->out, editor->pin->metadata[i].key);
		buf_printf(editor->out, ": ");
		append_scalar(editor->out, editor->pin->metadata[i].value);
	}
	if (editor->pin->metadata_count > 0)
		buf_append(editor->out, "}", 1);
}

/* `next` begins a line of the entry; NULL: the entry is in brackets. */
static void append_libraries(struct editor *editor, const char *next)
{
	char digest[DIGEST_TEXT];

	if (!editor->pin->has_libraries)
		return;
	buf_printf(editor->out, "%slibraries: [", next ? next : ", ");
	for (size_t i = 0; i < editor->pin->library_count; i++) {
		const struct whitelist_library *library = &editor->pin->libraries[i];

		buf_printf(editor->out, "%s%s%s{path: ", i > 0 ? "," : "", next ? next : "",
			   next ? "  " : "");
		append_scalar(editor->out, library->path);
		buf_printf(editor->out, ", hash: \"%s\"}", digest_format(digest, &library->digest));
	}
	buf_append(editor->out, "]", 1);
}

static void append_block_entry(struct editor *editor, unsigned indent)
{
	char first[64];
	char next[64];

	snprintf(first, sizeof(first), "%*s- ", (int)(indent % 32), "");
	snprintf(next, sizeof(next), "\n%*s", (int)(indent % 32) + 2, "");
	if (editor->taken > 0 && editor->text.data[editor->taken - 1] != '\n')
		buf_append(editor->out, "\n", 1);
	if (editor->pin->name) {
		append_pair(editor, first, "name", editor->pin->name);
		append_pair(editor, next, "path", editor->pin->path);
	} else {
		append_pair(editor, first, "path", editor->pin->path);
	}
	append_hash(editor, next);
	if (editor->pin->metadata_count > 0)
		buf_printf(editor->out, "%smetadata: ", next);
	append_metadata(editor);
	append_libraries(editor, next);
	buf_append(editor->out, "\n", 1);
}

static void append_flow_entry(struct editor *editor)
{
	const char *before = ", {";

	if (editor->pin->name) {
		append_pair(editor, before, "name", editor->pin->name);
		before = ", ";
	}
	append_pair(editor, before, "path", editor->pin->path);
	append_hash(editor, ", ");
	if (editor->pin->metadata_count > 0)
		buf_printf(editor->out, ", metadata: ");
	append_metadata(editor);
	append_libraries(editor, NULL);
	buf_append(editor->out, "}", 1);
}

/* The last byte that belongs to a value. */
size_t editor_last_byte(const struct yaml_node *node)
{
	size_t last = node->end;

	for (const struct yaml_node *child = node->first; child; child = child->next) {
		size_t of_child = editor_last_byte(child->value ? child->value : child);

		last = of_child > last ? of_child : last;
	}
	return last;
}

static void add_to_block(struct editor *editor, const struct yaml_node *list)
{
	editor_take_until(editor, editor_line_end(editor, editor_last_byte(list)));
	append_block_entry(editor, list->column - 1);
}

static void add_to_flow(struct editor *editor, const struct yaml_node *key,
			const struct yaml_node *list)
{
	if (list->count > 0) {
		editor_take_until(editor, list->end - 1); /* before the closing bracket */
		append_flow_entry(editor);
		return;
	}
	editor_take_until(editor, list->start);
	editor->taken = list->end; /* "[]" goes */
	editor_take_until(editor, editor_line_end(editor, list->end));
	append_block_entry(editor, key->column + 1);
}

static void add_entry(struct editor *editor)
{
	const struct yaml_node *key = yaml_find(editor->root, "plugins");

	if (key->value->kind != YAML_LIST) { /* nothing after the colon */
		editor_take_until(editor, editor_line_end(editor, key->value->end));
		append_block_entry(editor, key->column + 1);
	} else if (key->value->flow) {
		add_to_flow(editor, key, key->value);
	} else {
		add_to_block(editor, key->value);
	}
}

/* ---- an entry that is there ---- */

static const struct yaml_node *find_entry(const struct editor *editor)
{
	const struct yaml_node *list = yaml_find(editor->root, "plugins")->value;

	for (const struct yaml_node *item = list->first; item; item = item->next) {
		if (str_eq(yaml_find(item, "path")->value->text, str_from(editor->pin->path)))
			return item;
	}
	return NULL;
}

static bool has_metadata(const struct whitelist_entry *entry, const struct whitelist_metadata *row)
{
	for (size_t i = 0; i < entry->metadata_count; i++) {
		if (strcmp(entry->metadata[i].key, row->key) == 0)
			return strcmp(entry->metadata[i].value, row->value) == 0;
	}
	return false;
}

static bool has_library(const struct whitelist_entry *entry, const struct whitelist_library *row)
{
	for (size_t i = 0; i < entry->library_count; i++) {
		if (strcmp(entry->libraries[i].path, row->path) == 0)
			return digest_eq(&entry->libraries[i].digest, &row->digest);
	}
	return false;
}

static int check_libraries(const struct editor *editor, const struct whitelist_entry *entry,
			   struct err *err)
{
	bool same = !editor->pin->has_libraries ||
		    (entry->has_libraries && entry->library_count == editor->pin->library_count);

	for (size_t i = 0; same && i < editor->pin->library_count; i++)
		same = has_library(entry, &editor->pin->libraries[i]);
	if (same)
		return 0;
	return err_set(err, ERR_WHITELIST_FILE,
		       "%s:%u: the entry is there already with other libraries; remove it first: "
		       "plugctl whitelist remove %s",
		       editor->file, entry->line, entry->path);
}

/* People may have written around it: what is there is theirs. */
static int check_metadata(const struct editor *editor, const struct whitelist_entry *entry,
			  struct err *err)
{
	for (size_t i = 0; i < editor->pin->metadata_count; i++) {
		const struct whitelist_metadata *row = &editor->pin->metadata[i];

		if (!has_metadata(entry, row))
			return err_set(err, ERR_WHITELIST_FILE,
				       "%s:%u: the entry is there already, without the metadata "
				       "%s: %s; write it there, or remove the entry first",
				       editor->file, entry->line, row->key, row->value);
	}
	return 0;
}

static bool replace_entry(struct editor *editor, const struct yaml_node *entry)
{
	const struct yaml_node *hash = yaml_find(entry, "hash")->value;
	const struct yaml_node *enabled = yaml_find(entry, "enabled");
	bool enabled_first = enabled && enabled->value->start < hash->start;
	char text[DIGEST_TEXT];

	digest_format(text, &editor->pin->digest);
	if (enabled_first && !replace_value(editor, enabled->value, STR_LITERAL("true")))
		return false;
	if (!replace_value(editor, hash, str_from(text)))
		return false;
	return !enabled || enabled_first ||
	       replace_value(editor, enabled->value, STR_LITERAL("true"));
}

/* ---- the whole text ---- */

int editor_refuse(struct err *err, const char *file)
{
	return err_set(err, ERR_WHITELIST_FILE,
		       "%s: the file is written in a way that can't be edited safely; give each "
		       "entry lines of its own, with the hash on one of them",
		       file);
}

int editor_parse_list(struct str text, const char *file, struct whitelist **out, struct err *err)
{
	struct whitelist_problems problems = {0};
	int rc = whitelist_parse(text, file, out, &problems);

	if (rc < 0 && err)
		*err = problems.rows[0].err;
	whitelist_problems_deinit(&problems);
	return rc;
}

/* Does the new text say what it should, and all else as before? */
static int check_result(const struct editor *editor, struct str text, size_t count, struct err *err)
{
	const struct whitelist_entry *entry;
	struct whitelist *list;
	int rc = editor_parse_list(text, editor->file, &list, err);

	if (rc < 0)
		return rc;
	entry = whitelist_find_path(list, editor->pin->path);
	if (!entry || !entry->enabled || !digest_eq(&entry->digest, &editor->pin->digest) ||
	    whitelist_count(list) != count)
		rc = editor_refuse(err, editor->file);
	whitelist_free(list);
	return rc;
}

static int edit_list(struct editor *editor, const struct whitelist *list,
		     enum whitelist_change *change, struct err *err)
{
	const struct whitelist_entry *entry = whitelist_find_path(list, editor->pin->path);

	if (entry &&
	    (check_metadata(editor, entry, err) < 0 || check_libraries(editor, entry, err) < 0))
		return -EINVAL;
	if (entry && entry->enabled && digest_eq(&entry->digest, &editor->pin->digest)) {
		*change = WHITELIST_UNCHANGED;
	} else if (entry) {
		*change = WHITELIST_REPLACED;
		if (!replace_entry(editor, find_entry(editor)))
			return editor_refuse(err, editor->file);
	} else {
		*change = WHITELIST_ADDED;
		add_entry(editor);
	}
	editor_take_until(editor, editor->text.len);
	return 0;
}

static int edit_text(struct editor *editor, enum whitelist_change *change, struct err *err)
{
	struct whitelist *list;
	struct arena tree = {0};
	size_t before = buf_len(editor->out);
	size_t count;
	int rc = editor_parse_list(editor->text, editor->file, &list, err);

	if (rc < 0)
		return rc;
	rc = yaml_parse(editor->text, editor->file, ERR_WHITELIST_FILE, &tree, &editor->root, err);
	if (rc == 0)
		rc = edit_list(editor, list, change, err);
	count = whitelist_count(list) + (*change == WHITELIST_ADDED);
	if (rc == 0)
		rc = check_result(editor,
				  (struct str){(char *)buf_front(editor->out) + before,
					       buf_len(editor->out) - before},
				  count, err);
	arena_deinit(&tree);
	whitelist_free(list);
	return rc;
}

int whitelist_edit(struct str old_text, const char *file, const struct whitelist_pin *pin,
		   struct buf *out, enum whitelist_change *change_out, struct err *err)
{
	struct editor editor = {.text = old_text, .file = file, .pin = pin, .out = out};

	if (old_text.len == 0)
		editor.text = STR_LITERAL(new_text);
	*change_out = WHITELIST_UNCHANGED;
	return edit_text(&editor, change_out, err);
}
