/* The decision who may run. exec.c asks before a file is read, and again when its hash is known;
 * whitelist_parse.c built the entries, which live as long as the whitelist. Never opens a file;
 * fails only by saying no. */
#include "trust/whitelist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "trust/whitelist_private.h"

int whitelist_problems_one(struct whitelist_problems *problems, const struct err *err, int rc)
{
	problems->rows = mem_new(struct whitelist_problem);
	problems->rows[problems->count++] = (struct whitelist_problem){1, *err};
	return rc;
}

void whitelist_problems_sum(const struct whitelist_problems *problems, struct err *err)
{
	const struct err *first = &problems->rows[0].err;
	size_t more = problems->count - 1 + problems->more;

	*err = *first;
	if (more > 0)
		err_set(err, first->code, "%.300s (and %zu more: plugctl whitelist verify)",
			first->text, more);
}

void whitelist_problems_deinit(struct whitelist_problems *problems)
{
	free(problems->rows);
	*problems = (struct whitelist_problems){0};
}

void whitelist_free(struct whitelist *whitelist)
{
	if (!whitelist)
		return;
	arena_deinit(&whitelist->arena);
	free(whitelist);
}

const struct digest *whitelist_digest(const struct whitelist *whitelist)
{
	return &whitelist->digest;
}

size_t whitelist_count(const struct whitelist *whitelist)
{
	return whitelist->count;
}

const struct whitelist_entry *whitelist_at(const struct whitelist *whitelist, size_t index)
{
	return index < whitelist->count ? &whitelist->entries[index] : NULL;
}

static int compare_key(const void *key, const void *row)
{
	const struct whitelist_ref *ref = row;

	return strcmp(key, ref->key);
}

static const struct whitelist_entry *index_find(const struct whitelist_index *index,
						const char *key)
{
	const struct whitelist_ref *ref =
		bsearch(key, index->rows, index->count, sizeof(index->rows[0]), compare_key);

	return ref ? ref->entry : NULL;
}

const struct whitelist_entry *whitelist_find_path(const struct whitelist *whitelist,
						  const char *path)
{
	return index_find(&whitelist->by_path, path);
}

const struct whitelist_entry *whitelist_find_name(const struct whitelist *whitelist,
						  const char *name)
{
	return index_find(&whitelist->by_name, name);
}

/* ---- deciding ---- */

int whitelist_admit(const struct whitelist *whitelist, const struct whitelist_question *question,
		    const struct whitelist_entry **entry_out, struct err *err)
{
	const struct whitelist_entry *entry = whitelist_find_path(whitelist, question->real);

	if (!entry)
		entry = whitelist_find_path(whitelist, question->path);
	if (!entry) {
		err_set(err, ERR_WHITELIST_UNLISTED, "'%s' is not in the whitelist %s",
			question->real, whitelist->file);
		return -EACCES;
	}
	if (!entry->enabled) {
		err_set(err, ERR_WHITELIST_DISABLED, "%s:%u: the entry of '%s' is disabled",
			whitelist->file, entry->line, entry->path);
		return -EACCES;
	}
	if (question->plugin && entry->name && strcmp(question->plugin, entry->name) != 0) {
		err_set(err, ERR_WHITELIST_PLUGIN,
			"%s:%u: '%s' is pinned for the plugin '%s', not for '%s'", whitelist->file,
			entry->line, entry->path, entry->name, question->plugin);
		return -EACCES;
	}
	*entry_out = entry;
	return 0;
}

int whitelist_check(const struct whitelist *whitelist, const struct whitelist_entry *entry,
		    const struct digest *actual, struct err *err)
{
	char is[DIGEST_TEXT];
	char pinned[DIGEST_TEXT];

	if (digest_eq(&entry->digest, actual))
		return 0;
	err_set(err, ERR_WHITELIST_MISMATCH, "%s:%u: '%s' has the hash %s, but %s is pinned",
		whitelist->file, entry->line, entry->path, digest_format(is, actual),
		digest_format(pinned, &entry->digest));
	return -EACCES;
}
