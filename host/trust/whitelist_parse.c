/* The text of a whitelist into entries. It tells every mistake of a file, not only the first,
 * because a file that is mended line by line is loaded again and again. A text with any mistake
 * gives no whitelist at all. Called by whoever has read a file; owns nothing after it returns. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "observe/errors.h"
#include "trust/place.h"
#include "trust/whitelist_private.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define MAX_PROBLEMS  100
#define MAX_KEYS      100 /* of one map */
#define MAX_LIBRARIES 512
#define MAX_NAME      128

/* ---- telling what is wrong ---- */

struct reader {
	struct whitelist *list;
	struct whitelist_problems *problems;
};

static void __attribute__((format(printf, 4, 5)))
problem_add(struct reader *reader, unsigned line, int code, const char *format, ...)
{
	struct whitelist_problems *problems = reader->problems;
	struct whitelist_problem *problem;
	va_list args;
	char text[sizeof(problem->err.text)];

	if (problems->count == MAX_PROBLEMS) {
		problems->more++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	problems->rows =
		mem_realloc(problems->rows, (problems->count + 1) * sizeof(problems->rows[0]));
	problem = &problems->rows[problems->count++];
	problem->line = line;
	err_set(&problem->err, code, "%s:%u: %s", reader->list->file, line, text);
}

static int compare_problems(const void *left, const void *right)
{
	const struct whitelist_problem *a = left;
	const struct whitelist_problem *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return strcmp(a->err.text, b->err.text);
}

/* ---- values ---- */

/* Text of at least one character without control characters, or NULL after telling. */
static const char *read_text(struct reader *reader, const char *key, const struct yaml_node *value)
{
	if (value->kind != YAML_TEXT || yaml_is_null(value) || value->text.len == 0) {
		problem_add(reader, value->line, ERR_CONFIG_TYPE, "%s must be text, not %s", key,
			    value->kind == YAML_TEXT ? "empty" : yaml_kind_name(value));
		return NULL;
	}
	for (size_t i = 0; i < value->text.len; i++) {
		if ((unsigned char)value->text.data[i] < ' ' || value->text.data[i] == 0x7f) {
			problem_add(reader, value->line, ERR_CONFIG_TYPE,
				    "%s has a control character in it", key);
			return NULL;
		}
	}
	return arena_strndup(&reader->list->arena, value->text);
}

static void read_name(struct reader *reader, const struct yaml_node *value,
		      struct whitelist_entry *entry)
{
	entry->name = read_text(reader, "name", value);
	if (entry->name && strlen(entry->name) > MAX_NAME)
		problem_add(reader, value->line, ERR_CONFIG_RANGE,
			    "name is longer than %d characters", MAX_NAME);
}

static void read_path(struct reader *reader, const struct yaml_node *value,
		      struct whitelist_entry *entry)
{
	entry->path = read_text(reader, "path", value);
	if (entry->path && !place_is_plain(str_from(entry->path)))
		problem_add(reader, value->line, ERR_CONFIG_RANGE,
			    "path '%s' must be absolute and without '.', '..' and double slashes, "
			    "such as /usr/lib/plugd/echo",
			    entry->path);
}

static void read_hash(struct reader *reader, const struct yaml_node *value,
		      struct whitelist_entry *entry)
{
	const char *wrong = "is not text";

	if (value->kind == YAML_TEXT)
		wrong = digest_parse(value->text, &entry->digest);
	if (wrong)
		problem_add(reader, value->line, ERR_CONFIG_TYPE,
			    "hash %s; write \"sha256:\" and the 64 digits that sha256sum prints",
			    wrong);
}

static void read_algorithm(struct reader *reader, const struct yaml_node *value,
			   struct whitelist_entry *entry)
{
	if (value->kind == YAML_TEXT && str_eq_nocase(value->text, STR_LITERAL("sha256")))
		return;
	problem_add(reader, value->line, ERR_CONFIG_RANGE,
		    "algorithm must be sha256, the only one; the line may be left out");
}

static void read_enabled(struct reader *reader, const struct yaml_node *value,
			 struct whitelist_entry *entry)
{
	if (!yaml_to_bool(value, &entry->enabled))
		problem_add(reader, value->line, ERR_CONFIG_TYPE, "enabled must be true or false");
}

static void refuse_second_key(struct reader *reader, const struct yaml_node *map,
			      const struct yaml_node *key)
{
	const struct yaml_node *first = yaml_find(map, key->text.data);

	if (first != key)
		problem_add(reader, key->line, ERR_CONFIG_DUPLICATE,
			    "the key '%s' comes twice; the first is on line %u", key->text.data,
			    first->line);
}

static void read_metadata(struct reader *reader, const struct yaml_node *value,
			  struct whitelist_entry *entry)
{
	struct arena *arena = &reader->list->arena;
	struct whitelist_metadata *rows;

	if (yaml_is_null(value))
		return;
	if (value->kind != YAML_MAP || value->count > MAX_KEYS) {
		problem_add(reader, value->line, ERR_CONFIG_TYPE,
			    "metadata must be a map of at most %d texts, such as {owner: team-a}",
			    MAX_KEYS);
		return;
	}
	rows = arena_zalloc(arena, (value->count + 1) * sizeof(rows[0]));
	entry->metadata = rows;
	for (const struct yaml_node *key = value->first; key; key = key->next) {
		refuse_second_key(reader, value, key);
		if (key->value->kind != YAML_TEXT) {
			problem_add(reader, key->value->line, ERR_CONFIG_TYPE,
				    "metadata '%s' must be text, not %s", key->text.data,
				    yaml_kind_name(key->value));
			continue;
		}
		rows[entry->metadata_count].key = arena_strndup(arena, key->text);
		rows[entry->metadata_count++].value = arena_strndup(arena, key->value->text);
	}
}

static void read_library(struct reader *reader, const struct yaml_node *item,
			 struct whitelist_library *library)
{
	struct whitelist_entry entry = {.path = NULL};
	const struct yaml_node *path = item->kind == YAML_MAP ? yaml_find(item, "path") : NULL;
	const struct yaml_node *hash = item->kind == YAML_MAP ? yaml_find(item, "hash") : NULL;

	if (!path || !hash || item->count != 2) {
		problem_add(reader, item->line, ERR_CONFIG_TYPE,
			    "a library must be a map of path and hash, and of nothing else");
		return;
	}
	read_path(reader, path->value, &entry);
	read_hash(reader, hash->value, &entry);
	*library = (struct whitelist_library){entry.path, entry.digest};
}

static void read_libraries(struct reader *reader, const struct yaml_node *value,
			   struct whitelist_entry *entry)
{
	struct whitelist_library *rows;

	if (value->kind != YAML_LIST || value->count > MAX_LIBRARIES) {
		problem_add(reader, value->line, ERR_CONFIG_TYPE,
			    "libraries must be a list of at most %d maps of path and hash; "
			    "plugctl whitelist add --with-libraries writes it",
			    MAX_LIBRARIES);
		return;
	}
	rows = arena_zalloc(&reader->list->arena, (value->count + 1) * sizeof(rows[0]));
	for (const struct yaml_node *item = value->first; item; item = item->next)
		read_library(reader, item, &rows[entry->library_count++]);
	entry->libraries = rows;
	entry->has_libraries = true;
}

/* ---- keys ---- */

/* The keys of an entry, one row each. */
static const struct entry_key {
	const char *name;
	bool required;
	void (*read)(struct reader *reader, const struct yaml_node *value,
		     struct whitelist_entry *entry);
} entry_keys[] = {
	{"name", false, read_name},
	{"path", true, read_path},
	{"hash", true, read_hash},
	{"algorithm", false, read_algorithm},
	{"enabled", false, read_enabled},
	{"metadata", false, read_metadata},
	{"libraries", false, read_libraries},
};

static const char *const file_keys[] = {"version", "plugins"};

struct suggestion {
	const char *name;
	unsigned distance;
};

static void suggest(struct suggestion *best, struct str text, const char *name)
{
	unsigned distance = str_distance(text, str_from(name));

	if (distance < best->distance)
		*best = (struct suggestion){name, distance};
}

static void refuse_unknown_key(struct reader *reader, const struct yaml_node *key,
			       const struct suggestion *best, const char *known)
{
	if (best->name)
		problem_add(reader, key->line, ERR_CONFIG_UNKNOWN_KEY,
			    "unknown key '%.60s'; did you mean '%s'?", key->text.data, best->name);
	else
		problem_add(reader, key->line, ERR_CONFIG_UNKNOWN_KEY,
			    "unknown key '%.60s'; known here: %s", key->text.data, known);
}

static void read_entry_key(struct reader *reader, const struct yaml_node *key,
			   struct whitelist_entry *entry)
{
	struct suggestion best = {NULL, 3};

	for (size_t i = 0; i < COUNT(entry_keys); i++) {
		if (str_eq(key->text, str_from(entry_keys[i].name))) {
			entry_keys[i].read(reader, key->value, entry);
			return;
		}
		if (key->text.len <= MAX_NAME)
			suggest(&best, key->text, entry_keys[i].name);
	}
	refuse_unknown_key(reader, key, &best,
			   "name, path, hash, algorithm, enabled, metadata, "
			   "libraries");
}

static void read_entry(struct reader *reader, const struct yaml_node *node,
		       struct whitelist_entry *entry)
{
	entry->line = node->line;
	entry->enabled = true;
	if (node->kind != YAML_MAP) {
		problem_add(reader, node->line, ERR_CONFIG_TYPE,
			    "an entry must be a map with path and hash, not %s",
			    yaml_kind_name(node));
		return;
	}
	if (node->count > MAX_KEYS) {
		problem_add(reader, node->line, ERR_CONFIG_RANGE, "an entry with %u keys",
			    node->count);
		return;
	}
	for (const struct yaml_node *key = node->first; key; key = key->next) {
		refuse_second_key(reader, node, key);
		read_entry_key(reader, key, entry);
	}
	for (size_t i = 0; i < COUNT(entry_keys); i++) {
		if (entry_keys[i].required && !yaml_find(node, entry_keys[i].name))
			problem_add(reader, node->line, ERR_CONFIG_MISSING,
				    "the entry has no %s; is the file complete?",
				    entry_keys[i].name);
	}
}

static void read_entries(struct reader *reader, const struct yaml_node *node)
{
	struct whitelist *list = reader->list;

	if (yaml_is_null(node))
		return;
	if (node->kind != YAML_LIST) {
		problem_add(reader, node->line, ERR_CONFIG_TYPE,
			    "plugins must be a list of entries, not %s", yaml_kind_name(node));
		return;
	}
	list->entries =
		arena_zalloc(&list->arena, ((size_t)node->count + 1) * sizeof(list->entries[0]));
	for (const struct yaml_node *item = node->first; item; item = item->next)
		read_entry(reader, item, &list->entries[list->count++]);
}

static void read_version(struct reader *reader, const struct yaml_node *value)
{
	if (value->kind != YAML_TEXT || !value->plain || !str_eq(value->text, STR_LITERAL("1")))
		problem_add(reader, value->line, ERR_CONFIG_RANGE,
			    "version must be %d, the only one that this plugd reads",
			    WHITELIST_VERSION);
}

static void read_file_key(struct reader *reader, const struct yaml_node *key)
{
	struct suggestion best = {NULL, 3};

	if (str_eq(key->text, STR_LITERAL("version"))) {
		read_version(reader, key->value);
	} else if (str_eq(key->text, STR_LITERAL("plugins"))) {
		read_entries(reader, key->value);
	} else {
		for (size_t i = 0; i < COUNT(file_keys) && key->text.len <= MAX_NAME; i++)
			suggest(&best, key->text, file_keys[i]);
		refuse_unknown_key(reader, key, &best, "version, plugins");
	}
}

static void read_root(struct reader *reader, const struct yaml_node *root)
{
	if (!root || root->kind != YAML_MAP) {
		problem_add(reader, root ? root->line : 1, ERR_WHITELIST_FILE,
			    "%s; a whitelist begins with 'version: %d' and lists plugins",
			    root ? "this is not a map" : "the file is empty", WHITELIST_VERSION);
		return;
	}
	if (root->count > MAX_KEYS) {
		problem_add(reader, root->line, ERR_CONFIG_RANGE, "a whitelist with %u keys",
			    root->count);
		return;
	}
	for (const struct yaml_node *key = root->first; key; key = key->next) {
		const struct yaml_node *first = yaml_find(root, key->text.data);

		refuse_second_key(reader, root, key);
		if (first == key)
			read_file_key(reader, key);
	}
	for (size_t i = 0; i < COUNT(file_keys); i++) {
		if (!yaml_find(root, file_keys[i]))
			problem_add(reader, root->line, ERR_CONFIG_MISSING, "%s is missing; %s",
				    file_keys[i],
				    i == 0 ? "write 'version: 1' in the first line"
					   : "write 'plugins: []' if nothing may run");
	}
}

/* ---- indexes ---- */

static int compare_refs(const void *left, const void *right)
{
	const struct whitelist_ref *a = left;
	const struct whitelist_ref *b = right;
	int order = strcmp(a->key, b->key);

	return order != 0 ? order : (a->entry > b->entry) - (a->entry < b->entry);
}

static void index_add(struct whitelist_index *index, const char *key,
		      const struct whitelist_entry *entry)
{
	if (key)
		index->rows[index->count++] = (struct whitelist_ref){key, entry};
}

static void index_sort(struct reader *reader, struct whitelist_index *index, const char *what)
{
	qsort(index->rows, index->count, sizeof(index->rows[0]), compare_refs);
	for (size_t i = 1; i < index->count; i++) {
		const struct whitelist_ref *before = &index->rows[i - 1];

		if (strcmp(index->rows[i].key, before->key) == 0)
			problem_add(reader, index->rows[i].entry->line, ERR_CONFIG_DUPLICATE,
				    "the %s '%s' is listed already on line %u", what, before->key,
				    before->entry->line);
	}
}

static void index_entries(struct reader *reader)
{
	struct whitelist *list = reader->list;
	size_t bytes = (list->count + 1) * sizeof(struct whitelist_ref);

	list->by_path.rows = arena_alloc(&list->arena, bytes);
	list->by_name.rows = arena_alloc(&list->arena, bytes);
	for (size_t i = 0; i < list->count; i++) {
		index_add(&list->by_path, list->entries[i].path, &list->entries[i]);
		index_add(&list->by_name, list->entries[i].name, &list->entries[i]);
	}
	index_sort(reader, &list->by_path, "path");
	index_sort(reader, &list->by_name, "name");
}

int whitelist_parse(struct str text, const char *file, struct whitelist **out,
		    struct whitelist_problems *problems)
{
	struct reader reader = {mem_new(struct whitelist), problems};
	struct arena tree = {0};
	struct yaml_node *root;
	struct err err = {0};

	reader.list->file = arena_strndup(&reader.list->arena, str_from(file));
	if (yaml_parse(text, file, ERR_WHITELIST_FILE, &tree, &root, &err) < 0) {
		problems->rows = mem_new(struct whitelist_problem);
		problems->rows[problems->count++] = (struct whitelist_problem){1, err};
	} else {
		read_root(&reader, root);
		index_entries(&reader);
	}
	arena_deinit(&tree);
	if (problems->count > 0) {
		qsort(problems->rows, problems->count, sizeof(problems->rows[0]), compare_problems);
		whitelist_free(reader.list);
		return -EINVAL;
	}
	digest_text(text, &reader.list->digest);
	*out = reader.list;
	return 0;
}
