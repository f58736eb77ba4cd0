/* `plugctl whitelist list`, `diff` and `remove`: what is pinned, what has changed, and what shall
 * be pinned no more. Works on files alone. */
#include <string.h>
#include <unistd.h>

#include "base/member.h"
#include "observe/errors.h"
#include "output.h"
#include "subcommand.h"
#include "trust/whitelist_file.h"
#include "whitelist.h"

const struct arg_option whitelist_list_options[] = {WHITELIST_FILE_OPTION, {NULL}};
const struct arg_option whitelist_remove_options[] = {WHITELIST_FILE_OPTION, {NULL}};
const struct arg_option whitelist_diff_options[] = {WHITELIST_FILE_OPTION, {NULL}};

/* ---- list ---- */

static json_t *libraries_json(const struct whitelist_entry *entry)
{
	json_t *list = json_array();
	char digest[DIGEST_TEXT];

	for (size_t i = 0; i < entry->library_count; i++) {
		json_t *object = json_object();

		member_text(object, "path", entry->libraries[i].path);
		member_text(object, "hash", digest_format(digest, &entry->libraries[i].digest));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *entry_json(const struct whitelist_entry *entry)
{
	json_t *object = json_object();
	json_t *metadata = json_object();
	char digest[DIGEST_TEXT];

	member_text(object, "name", entry->name);
	member_text(object, "path", entry->path);
	member_text(object, "hash", digest_format(digest, &entry->digest));
	json_object_set_new(object, "enabled", json_boolean(entry->enabled));
	for (size_t i = 0; i < entry->metadata_count; i++)
		member_text(metadata, entry->metadata[i].key, entry->metadata[i].value);
	json_object_set_new(object, "metadata", metadata);
	if (entry->has_libraries)
		json_object_set_new(object, "libraries", libraries_json(entry));
	return object;
}

static void add_metadata(struct table *table, const struct whitelist_entry *entry)
{
	struct buf text = {0};

	for (size_t i = 0; i < entry->metadata_count; i++)
		buf_printf(&text, "%s%s=%s", i > 0 ? " " : "", entry->metadata[i].key,
			   entry->metadata[i].value);
	table_addf(table, "%.*s", entry->metadata_count > 0 ? (int)buf_len(&text) : 1,
		   entry->metadata_count > 0 ? (const char *)buf_front(&text) : "-");
	buf_deinit(&text);
}

static void print_list(const struct whitelist *list)
{
	static const char *const headings[] = {"NAME", "ENABLED", "HASH", "PATH", "METADATA", NULL};
	struct table *table = table_new(headings);
	char digest[DIGEST_TEXT];

	for (size_t i = 0; i < whitelist_count(list); i++) {
		const struct whitelist_entry *entry = whitelist_at(list, i);

		table_add(table, entry->name ? entry->name : "-");
		table_add(table, entry->enabled ? "yes" : "no");
		digest_format(digest, &entry->digest);
		table_addf(table, "%.19s", digest); /* enough to tell apart; JSON has all of it */
		table_add(table, entry->path);
		add_metadata(table, entry);
	}
	table_print(table, "The whitelist is empty.");
}

enum exit_status run_whitelist_list(const struct plugctl *plugctl, const struct args *args)
{
	struct whitelist *list = whitelist_load_or_tell(whitelist_file_of(args));
	json_t *array;

	if (!list)
		return STATUS_FAILED;
	if (!plugctl->is_json) {
		print_list(list);
	} else {
		array = json_array();
		for (size_t i = 0; i < whitelist_count(list); i++)
			json_array_append_new(array, entry_json(whitelist_at(list, i)));
		output_json(array);
		json_decref(array);
	}
	whitelist_free(list);
	return STATUS_OK;
}

/* ---- remove ---- */

enum exit_status run_whitelist_remove(const struct plugctl *plugctl, const struct args *args)
{
	const char *file = whitelist_file_of(args);
	struct err err;
	int removed = 0;
	int r = 0;

	while (removed < args->operand_count && r == 0) {
		r = whitelist_unpin(file, args->operands[removed], &err);
		if (r == 0)
			removed++;
	}
	if (r < 0)
		output_error(&err);
	if (removed > 0)
		whitelist_note_signature(file);
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

/* ---- diff ---- */

struct difference {
	struct table *table; /* NULL: JSON */
	json_t *list;
	size_t count;
};

static void tell_difference(struct difference *difference, const char *what, const char *path,
			    const char *why)
{
	json_t *object;

	difference->count++;
	if (difference->table) {
		table_add(difference->table, what);
		table_add(difference->table, path);
		table_add(difference->table, why);
		return;
	}
	object = json_object();
	member_text(object, "change", what);
	member_text(object, "path", path);
	member_text(object, "why", why);
	json_array_append_new(difference->list, object);
}

/* Against the disk: what is as it was pinned is not told. */
static void on_result(void *user, const struct whitelist_entry *entry, const struct err *err)
{
	const char *what = "refused";

	if (err->code == 0 || err->code == ERR_WHITELIST_DISABLED)
		return;
	if (err->code == ERR_WHITELIST_MISMATCH)
		what = "changed";
	else if (access(entry->path, F_OK) < 0)
		what = "missing";
	tell_difference(user, what, entry->path, err->text);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_metadata(const struct whitelist_entry *a, const struct whitelist_entry *b)
{
	bool same = a->metadata_count == b->metadata_count;

	for (size_t i = 0; same && i < a->metadata_count; i++)
		same = strcmp(a->metadata[i].key, b->metadata[i].key) == 0 &&
		       strcmp(a->metadata[i].value, b->metadata[i].value) == 0;
	return same;
}

static bool same_libraries(const struct whitelist_entry *a, const struct whitelist_entry *b)
{
	bool same = a->has_libraries == b->has_libraries && a->library_count == b->library_count;

	for (size_t i = 0; same && i < a->library_count; i++)
		same = strcmp(a->libraries[i].path, b->libraries[i].path) == 0 &&
		       digest_eq(&a->libraries[i].digest, &b->libraries[i].digest);
	return same;
}

/* What differs between two entries with one path; NULL: nothing. */
static const char *compare_entries(const struct whitelist_entry *a, const struct whitelist_entry *b)
{
	if (!digest_eq(&a->digest, &b->digest))
		return "another hash";
	if (a->enabled != b->enabled)
		return b->enabled ? "enabled" : "disabled";
	if (!same_text(a->name, b->name))
		return "another name";
	if (!same_libraries(a, b))
		return "other libraries";
	return same_metadata(a, b) ? NULL : "other metadata";
}

static void compare_lists(const struct whitelist *from, const struct whitelist *to,
			  struct difference *difference)
{
	for (size_t i = 0; i < whitelist_count(from); i++) {
		const struct whitelist_entry *old = whitelist_at(from, i);
		const struct whitelist_entry *new = whitelist_find_path(to, old->path);
		const char *why = new ? compare_entries(old, new) : NULL;

		if (!new)
			tell_difference(difference, "removed", old->path, "-");
		else if (why)
			tell_difference(difference, "changed", old->path, why);
	}
	for (size_t i = 0; i < whitelist_count(to); i++) {
		const char *path = whitelist_at(to, i)->path;

		if (!whitelist_find_path(from, path))
			tell_difference(difference, "added", path, "-");
	}
}

/* Takes the difference. */
static enum exit_status print_difference(struct difference *difference)
{
	if (difference->table)
		table_print(difference->table, "No difference.");
	else
		output_json(difference->list);
	json_decref(difference->list);
	return difference->count > 0 ? STATUS_FAILED : STATUS_OK;
}

enum exit_status run_whitelist_diff(const struct plugctl *plugctl, const struct args *args)
{
	static const char *const headings[] = {"CHANGE", "PATH", "WHY", NULL};
	struct whitelist *list = whitelist_load_or_tell(whitelist_file_of(args));
	struct whitelist *other = NULL;
	struct difference difference = {0};
	enum exit_status status = STATUS_FAILED;

	if (list && args->operand_count > 0)
		other = whitelist_load_or_tell(args->operands[0]);
	if (list && (other || args->operand_count == 0)) {
		difference.list = plugctl->is_json ? json_array() : NULL;
		difference.table = plugctl->is_json ? NULL : table_new(headings);
		if (other)
			compare_lists(list, other, &difference);
		else
			whitelist_verify(list, on_result, &difference);
		status = print_difference(&difference);
	}
	whitelist_free(list);
	whitelist_free(other);
	return status;
}
